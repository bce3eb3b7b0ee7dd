//! Orders.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::ids::{OrderId, OrderLineId, SkuId};
use super::market::Market;
use super::money::{Currency, Money};
use super::phone::PhoneNumber;
use super::wire::{Amount, Count, Timestamp, list_or_empty, some_text, text_or_empty};
use crate::error::{Error, FieldError, Result};

/// Where an order stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OrderStatus {
    /// Placed.
    Pending,
    /// Accepted by the shop.
    Confirmed,
    /// Being packed.
    Processing,
    /// On its way.
    Shipped,
    /// Arrived.
    Delivered,
    /// Cancelled.
    Cancelled,
    /// Sent back.
    Returned,
    /// One that this version of the SDK does not know, as the server wrote it.
    Unknown(String),
}

impl OrderStatus {
    /// The status of this name; upper and lower case are the same.
    pub fn new(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "pending" => Self::Pending,
            "confirmed" => Self::Confirmed,
            "processing" => Self::Processing,
            "shipped" => Self::Shipped,
            "delivered" => Self::Delivered,
            "cancelled" => Self::Cancelled,
            "returned" => Self::Returned,
            _ => Self::Unknown(name.to_owned()),
        }
    }

    /// The server's name for it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Processing => "processing",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
            Self::Returned => "returned",
            Self::Unknown(name) => name,
        }
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for OrderStatus {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<str>::deserialize(deserializer).map(|name| Self::new(&name))
    }
}

/// An order, as the server has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Order {
    /// The order's id.
    pub id: OrderId,
    /// The number that people are told, such as `#1001`.
    pub order_number: Option<String>,
    /// Where it stands.
    pub status: OrderStatus,
    /// Who ordered.
    pub customer_name: Option<String>,
    /// The phone number that was given with the order.
    pub customer_phone: Option<PhoneNumber>,
    /// Where it goes.
    pub delivery_address: Option<String>,
    /// What the goods cost.
    pub subtotal: Option<Money>,
    /// What shipping costs.
    pub shipping_cost: Option<Money>,
    /// What all of it costs, in the currency that the server names. Deployed servers name KGS on every order, those of
    /// the US market too, whatever the cart said.
    pub total_amount: Money,
    /// When it was placed.
    pub order_date: Option<SystemTime>,
    /// What was ordered.
    pub items: Vec<OrderLine>,
}

/// A line of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OrderLine {
    /// The line's id.
    pub id: OrderLineId,
    /// The product's name at the time of the order.
    pub product_name: String,
    /// The shop's code for the SKU.
    pub sku_code: Option<String>,
    /// The size.
    pub size: Option<String>,
    /// The colour.
    pub color: Option<String>,
    /// What one piece cost.
    pub unit_price: Money,
    /// How many pieces.
    pub quantity: i64,
    /// What the line cost.
    pub total_price: Money,
}

/// What the server says to a cancellation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CancelledOrder {
    /// The order's id.
    pub id: OrderId,
    /// Where it stands now.
    pub status: OrderStatus,
}

/// An order to be placed.
///
/// ```
/// use market_sdk::{NewOrder, SkuId};
///
/// let from_cart = NewOrder::from_cart("Ann", "+13128059851", "1 Main St").city("Chicago").notes("ring twice");
/// let of_these = NewOrder::of_items("Ann", "+13128059851", "1 Main St", [(SkuId(42), 2)]);
/// ```
#[derive(Clone, Serialize)]
pub struct NewOrder {
    customer_name: String,
    customer_phone: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_email: Option<String>,
    delivery_address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_notes: Option<String>,
    payment_method: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Vec<NewOrderItem>>,
    use_cart: bool,
    /// Of the call, not of the order.
    #[serde(skip)]
    pub(crate) parks_on_expiry: bool,
    #[serde(skip)]
    force: bool,
}

/// What is ordered without the cart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct NewOrderItem {
    /// What.
    pub sku_id: SkuId,
    /// How many pieces, 1 to 100.
    pub quantity: u32,
}

impl NewOrder {
    /// Orders all that is in the cart, which is empty afterwards. Payment is `cash`, on delivery, unless
    /// [`payment_method`](Self::payment_method) says otherwise.
    pub fn from_cart(
        customer_name: impl Into<String>,
        customer_phone: impl Into<String>,
        delivery_address: impl Into<String>,
    ) -> Self {
        Self {
            customer_name: customer_name.into(),
            customer_phone: customer_phone.into(),
            customer_email: None,
            delivery_address: delivery_address.into(),
            delivery_city: None,
            delivery_notes: None,
            payment_method: "cash".to_owned(),
            items: None,
            use_cart: true,
            parks_on_expiry: false,
            force: false,
        }
    }

    /// Orders these (SKU and quantity) and leaves the cart as it is.
    pub fn of_items(
        customer_name: impl Into<String>,
        customer_phone: impl Into<String>,
        delivery_address: impl Into<String>,
        items: impl IntoIterator<Item = (SkuId, u32)>,
    ) -> Self {
        let items = items.into_iter().map(|(sku_id, quantity)| NewOrderItem { sku_id, quantity }).collect();
        Self {
            items: Some(items),
            // Servers empty the cart whenever this is true, which is their default, even when items are given.
            use_cart: false,
            ..Self::from_cart(customer_name, customer_phone, delivery_address)
        }
    }

    /// With an e-mail address of the customer's, up to 255 characters.
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.customer_email = Some(email.into());
        self
    }

    /// With the city, up to 100 characters.
    pub fn city(mut self, city: impl Into<String>) -> Self {
        self.delivery_city = Some(city.into());
        self
    }

    /// With notes for the courier, up to 500 characters.
    pub fn notes(mut self, notes: impl Into<String>) -> Self {
        self.delivery_notes = Some(notes.into());
        self
    }

    /// Lets it wait for an expired session's user to sign in again, as other calls do on a client that was built with
    /// [`park_on_expiry`](crate::MarketClientBuilder::park_on_expiry). An order does so only if it is asked for: prices
    /// and the cart may have changed by then.
    pub fn park_on_expiry(mut self) -> Self {
        self.parks_on_expiry = true;
        self
    }

    /// With this way of paying, by the shop's name for it.
    pub fn payment_method(mut self, method: impl Into<String>) -> Self {
        self.payment_method = method.into();
        self
    }

    /// Places it although the outcome of an earlier order is unknown, which may order twice: the earlier one may
    /// have been placed, or be placed yet. It is sent as another attempt at that order, with the same
    /// `Idempotency-Key`, so that a server that honours the key places one of the two. For a shopper who was told
    /// and wants it all the same.
    pub fn force(mut self) -> Self {
        self.force = true;
        self
    }

    pub(crate) fn uses_cart(&self) -> bool {
        self.use_cart
    }

    pub(crate) fn is_forced(&self) -> bool {
        self.force
    }

    /// Name, phone and address.
    pub(crate) fn who_and_where(&self) -> (&str, &str, &str) {
        (&self.customer_name, &self.customer_phone, &self.delivery_address)
    }

    /// Servers answer a text that is too long with a 500 that quotes it, so nothing out of bounds is sent.
    pub(crate) fn validate(&self) -> Result<()> {
        let mut fields = Vec::new();
        let mut text = |path: &str, value: &str, min: usize, max: usize| {
            let length = value.trim().chars().count();
            if length < min || value.chars().count() > max {
                let message = if length < min && min > 1 {
                    format!("Enter at least {min} characters.")
                } else if length < min {
                    "This is required.".to_owned()
                } else {
                    format!("Enter at most {max} characters.")
                };
                fields.push(FieldError { path: path.to_owned(), message });
            }
        };
        text("customer_name", &self.customer_name, 1, 255);
        text("customer_phone", &self.customer_phone, 10, 20);
        text("delivery_address", &self.delivery_address, 5, 500);
        text("customer_email", self.customer_email.as_deref().unwrap_or_default(), 0, 255);
        text("delivery_city", self.delivery_city.as_deref().unwrap_or_default(), 0, 100);
        text("delivery_notes", self.delivery_notes.as_deref().unwrap_or_default(), 0, 500);
        text("payment_method", &self.payment_method, 1, 50);
        if let Some(items) = &self.items {
            if items.is_empty() {
                fields.push(FieldError {
                    path: "items".to_owned(),
                    message: "Choose something to order.".to_owned(),
                });
            }
            for (at, item) in items.iter().enumerate() {
                if !(1..=100).contains(&item.quantity) {
                    let message = "Enter a quantity from 1 to 100.".to_owned();
                    fields.push(FieldError { path: format!("items.{at}.quantity"), message });
                }
            }
        }
        if fields.is_empty() { Ok(()) } else { Err(Error::invalid_fields(fields)) }
    }
}

// By hand: it holds where somebody lives.
impl fmt::Debug for NewOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewOrder")
            .field("items", &self.items)
            .field("use_cart", &self.use_cart)
            .finish_non_exhaustive()
    }
}

/// What became of an order whose answer was lost, as far as the server's list of orders tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "one is made per question, and a box would be in every app's way"
)]
pub enum OrderOutcome {
    /// No order of this user has an unknown outcome.
    NothingPending,
    /// It was placed: here it is. Nothing is pending any more.
    Placed(Order),
    /// It is not in the list, and may still come: an order that timed out can be written later. Ask again, or let
    /// the shopper decide to place it again ([`NewOrder::force`]).
    NotSeenYet {
        /// When to ask again to be sure; none if that cannot be told, since the server tells no time, or lists an
        /// order without saying whose it is. Then it stays pending until it is seen, or another is forced.
        settles_in: Option<Duration>,
    },
    /// It was not placed, and will not be any more. Nothing is pending any more.
    NotPlaced,
    /// What was noted of it could not be read, so it is not known whether there was an order. Show the list of
    /// orders. The note is erased, and nothing is pending any more.
    Unreadable,
}

/// Which orders to list.
///
/// ```
/// use market_sdk::{OrderQuery, OrderStatus};
///
/// let second_page_of_pending = OrderQuery::new().status(OrderStatus::Pending).limit(20).offset(20);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderQuery {
    pub(crate) limit: u32,
    pub(crate) offset: u32,
    pub(crate) status: Option<OrderStatus>,
}

impl OrderQuery {
    /// All orders, newest first, the first 20 of them.
    pub fn new() -> Self {
        Self { limit: 20, offset: 0, status: None }
    }

    /// At most so many, 1 to 100.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }

    /// Without the first so many.
    pub fn offset(mut self, offset: u32) -> Self {
        self.offset = offset;
        self
    }

    /// Only those of this status.
    pub fn status(mut self, status: OrderStatus) -> Self {
        self.status = Some(status);
        self
    }

    pub(crate) fn validate(&self) -> Result<()> {
        if (1..=100).contains(&self.limit) {
            Ok(())
        } else {
            Err(Error::invalid("limit", "Ask for 1 to 100 orders."))
        }
    }
}

impl Default for OrderQuery {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Deserialize)]
pub(crate) struct OrderWire {
    id: OrderId,
    #[serde(default, deserialize_with = "some_text")]
    order_number: Option<String>,
    status: OrderStatus,
    #[serde(default, deserialize_with = "some_text")]
    customer_name: Option<String>,
    #[serde(default, deserialize_with = "some_text")]
    customer_phone: Option<String>,
    #[serde(default, deserialize_with = "some_text")]
    delivery_address: Option<String>,
    subtotal: Option<Amount>,
    shipping_cost: Option<Amount>,
    total_amount: Amount,
    #[serde(default, deserialize_with = "some_text")]
    currency: Option<String>,
    order_date: Option<Timestamp>,
    #[serde(default, deserialize_with = "list_or_empty")]
    items: Vec<OrderLineWire>,
}

#[derive(Deserialize)]
struct OrderLineWire {
    id: OrderLineId,
    #[serde(default, deserialize_with = "text_or_empty")]
    product_name: String,
    #[serde(default, deserialize_with = "some_text")]
    sku_code: Option<String>,
    #[serde(default, deserialize_with = "some_text")]
    size: Option<String>,
    #[serde(default, deserialize_with = "some_text")]
    color: Option<String>,
    unit_price: Amount,
    quantity: Count,
    total_price: Amount,
}

impl OrderWire {
    /// The order's own currency is what is shown; the market's stands in where it has none.
    pub(crate) fn in_market(self, market: &Market) -> Order {
        let currency = self.currency.as_deref().map_or_else(|| market.currency(), Currency::new);
        let money = |amount: Amount| Money::of(amount, &currency);
        let line = |line: OrderLineWire| OrderLine {
            id: line.id,
            product_name: line.product_name,
            sku_code: line.sku_code,
            size: line.size,
            color: line.color,
            unit_price: money(line.unit_price),
            quantity: line.quantity.0,
            total_price: money(line.total_price),
        };
        Order {
            id: self.id,
            order_number: self.order_number,
            status: self.status,
            customer_name: self.customer_name,
            customer_phone: self.customer_phone.map(PhoneNumber::from_server),
            delivery_address: self.delivery_address,
            subtotal: self.subtotal.map(money),
            shipping_cost: self.shipping_cost.map(money),
            total_amount: money(self.total_amount),
            order_date: self.order_date.map(|at| at.0),
            items: self.items.into_iter().map(line).collect(),
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct CancelledWire {
    order_id: OrderId,
    status: OrderStatus,
}

impl From<CancelledWire> for CancelledOrder {
    fn from(wire: CancelledWire) -> Self {
        Self { id: wire.order_id, status: wire.status }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_out_of_bounds_names_each_field() {
        let order =
            NewOrder::of_items("", "123", "x", [(SkuId(1), 0), (SkuId(2), 101)]).city("c".repeat(101));
        let error = order.validate().unwrap_err();
        let paths: Vec<&str> = error.fields().iter().map(|field| field.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "customer_name",
                "customer_phone",
                "delivery_address",
                "delivery_city",
                "items.0.quantity",
                "items.1.quantity"
            ]
        );
    }

    #[test]
    fn a_status_that_is_not_known_keeps_its_name() {
        assert_eq!(OrderStatus::new("SHIPPED"), OrderStatus::Shipped);
        assert_eq!(OrderStatus::new("on_hold").as_str(), "on_hold");
    }
}
