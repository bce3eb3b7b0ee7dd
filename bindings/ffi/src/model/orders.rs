//! Orders.

use std::time::{Duration, SystemTime};

use market_sdk::{PhoneNumber, SkuId};

use super::{Money, id, quantity};
use crate::error::{MarketError, Result};

/// Where an order stands.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
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
    /// One that this version of the SDK does not know.
    Unknown {
        /// As the server wrote it.
        name: String,
    },
}

impl From<market_sdk::OrderStatus> for OrderStatus {
    fn from(status: market_sdk::OrderStatus) -> Self {
        match status {
            market_sdk::OrderStatus::Pending => Self::Pending,
            market_sdk::OrderStatus::Confirmed => Self::Confirmed,
            market_sdk::OrderStatus::Processing => Self::Processing,
            market_sdk::OrderStatus::Shipped => Self::Shipped,
            market_sdk::OrderStatus::Delivered => Self::Delivered,
            market_sdk::OrderStatus::Cancelled => Self::Cancelled,
            market_sdk::OrderStatus::Returned => Self::Returned,
            other => Self::Unknown { name: other.as_str().to_owned() },
        }
    }
}

impl From<OrderStatus> for market_sdk::OrderStatus {
    fn from(status: OrderStatus) -> Self {
        match status {
            OrderStatus::Pending => Self::Pending,
            OrderStatus::Confirmed => Self::Confirmed,
            OrderStatus::Processing => Self::Processing,
            OrderStatus::Shipped => Self::Shipped,
            OrderStatus::Delivered => Self::Delivered,
            OrderStatus::Cancelled => Self::Cancelled,
            OrderStatus::Returned => Self::Returned,
            OrderStatus::Unknown { name } => Self::new(&name),
        }
    }
}

/// An order, as the server has it.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Order {
    /// The order's id.
    pub id: i64,
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
    /// What all of it costs.
    pub total_amount: Money,
    /// When it was placed.
    pub order_date: Option<SystemTime>,
    /// What was ordered.
    pub items: Vec<OrderLine>,
}

impl From<market_sdk::Order> for Order {
    fn from(order: market_sdk::Order) -> Self {
        Self {
            id: order.id.0.cast_signed(),
            order_number: order.order_number,
            status: order.status.into(),
            customer_name: order.customer_name,
            customer_phone: order.customer_phone,
            delivery_address: order.delivery_address,
            subtotal: order.subtotal.map(Into::into),
            shipping_cost: order.shipping_cost.map(Into::into),
            total_amount: order.total_amount.into(),
            order_date: order.order_date,
            items: order.items.into_iter().map(Into::into).collect(),
        }
    }
}

/// A line of an order.
#[derive(Clone, Debug, uniffi::Record)]
pub struct OrderLine {
    /// The line's id.
    pub id: i64,
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

impl From<market_sdk::OrderLine> for OrderLine {
    fn from(line: market_sdk::OrderLine) -> Self {
        Self {
            id: line.id.0.cast_signed(),
            product_name: line.product_name,
            sku_code: line.sku_code,
            size: line.size,
            color: line.color,
            unit_price: line.unit_price.into(),
            quantity: line.quantity,
            total_price: line.total_price.into(),
        }
    }
}

/// What the server says to a cancellation.
#[derive(Clone, Debug, uniffi::Record)]
pub struct CancelledOrder {
    /// The order's id.
    pub id: i64,
    /// Where it stands now.
    pub status: OrderStatus,
}

impl From<market_sdk::CancelledOrder> for CancelledOrder {
    fn from(order: market_sdk::CancelledOrder) -> Self {
        Self { id: order.id.0.cast_signed(), status: order.status.into() }
    }
}

/// An order to be placed: of these items, or of all that is in the cart, which is empty afterwards.
#[derive(Clone, uniffi::Record)]
pub struct NewOrder {
    /// Who orders.
    pub customer_name: String,
    /// The phone number for questions about it.
    pub customer_phone: String,
    /// Where it goes.
    pub delivery_address: String,
    /// What is ordered; all that is in the cart if nothing is said.
    #[uniffi(default = None)]
    pub items: Option<Vec<NewOrderItem>>,
    /// An e-mail address of the customer's, up to 255 characters.
    #[uniffi(default = None)]
    pub email: Option<String>,
    /// The city, up to 100 characters.
    #[uniffi(default = None)]
    pub city: Option<String>,
    /// Notes for the courier, up to 500 characters.
    #[uniffi(default = None)]
    pub notes: Option<String>,
    /// The way of paying, by the shop's name for it; `cash`, on delivery, if nothing is said.
    #[uniffi(default = None)]
    pub payment_method: Option<String>,
    /// Whether it waits for an expired session's user to sign in again, as other calls do on a client that was built to
    /// have them wait. Prices and the cart may have changed by then.
    #[uniffi(default = false)]
    pub park_on_expiry: bool,
    /// Places it although the outcome of an earlier order is unknown, which may order twice. It is sent as another
    /// attempt at that order, with the same `Idempotency-Key`.
    #[uniffi(default = false)]
    pub force: bool,
}

/// What became of an order whose answer was lost, as far as the server's list of orders tells.
#[derive(Clone, Debug, uniffi::Enum)]
#[expect(clippy::large_enum_variant, reason = "bindings have no boxes")]
pub enum OrderOutcome {
    /// No order of this user has an unknown outcome.
    NothingPending,
    /// It was placed. Nothing is pending any more.
    Placed {
        /// The order.
        order: Order,
    },
    /// It is not in the list, and may still come. Ask again, or let the shopper decide to place it again, forced.
    NotSeenYet {
        /// When to ask again to be sure; nothing if that cannot be told. Then it stays pending until it is seen, or
        /// another is forced.
        settles_in: Option<Duration>,
    },
    /// It was not placed, and will not be any more. Nothing is pending any more.
    NotPlaced,
    /// What was noted of it could not be read, so it is not known whether there was an order. Show the list of
    /// orders. The note is erased, and nothing is pending any more.
    Unreadable,
}

impl From<market_sdk::OrderOutcome> for OrderOutcome {
    fn from(outcome: market_sdk::OrderOutcome) -> Self {
        match outcome {
            market_sdk::OrderOutcome::NothingPending => Self::NothingPending,
            market_sdk::OrderOutcome::Placed(order) => Self::Placed { order: order.into() },
            market_sdk::OrderOutcome::NotPlaced => Self::NotPlaced,
            market_sdk::OrderOutcome::Unreadable => Self::Unreadable,
            market_sdk::OrderOutcome::NotSeenYet { settles_in } => Self::NotSeenYet { settles_in },
            _ => Self::NotSeenYet { settles_in: None },
        }
    }
}

/// What is ordered without the cart.
#[derive(Clone, Debug, uniffi::Record)]
pub struct NewOrderItem {
    /// What.
    pub sku_id: i64,
    /// How many pieces, 1 to 100.
    pub quantity: i32,
}

impl NewOrder {
    /// What the core's numbers cannot say is refused here.
    pub(crate) fn checked(self) -> Result<Self> {
        for (at, item) in self.items.iter().flatten().enumerate() {
            id(&format!("items.{at}.sku_id"), item.sku_id)?;
        }
        Ok(self)
    }
}

impl From<NewOrder> for market_sdk::NewOrder {
    fn from(new: NewOrder) -> Self {
        let (name, phone, address) = (new.customer_name, new.customer_phone, new.delivery_address);
        let mut order = match new.items {
            None => Self::from_cart(name, phone, address),
            Some(items) => {
                let item = |item: NewOrderItem| (SkuId(item.sku_id.cast_unsigned()), quantity(item.quantity));
                Self::of_items(name, phone, address, items.into_iter().map(item))
            }
        };
        if let Some(email) = new.email {
            order = order.email(email);
        }
        if let Some(city) = new.city {
            order = order.city(city);
        }
        if let Some(notes) = new.notes {
            order = order.notes(notes);
        }
        if let Some(method) = new.payment_method {
            order = order.payment_method(method);
        }
        if new.park_on_expiry {
            order = order.park_on_expiry();
        }
        if new.force {
            order = order.force();
        }
        order
    }
}

/// Which orders to list: newest first, the first 20 of all of them if nothing is said.
#[derive(Clone, Debug, uniffi::Record)]
pub struct OrderQuery {
    /// At most so many, 1 to 100.
    #[uniffi(default = 20)]
    pub limit: i32,
    /// Without the first so many.
    #[uniffi(default = 0)]
    pub offset: i32,
    /// Only those of this status.
    #[uniffi(default = None)]
    pub status: Option<OrderStatus>,
}

impl OrderQuery {
    /// What the core's numbers cannot say is refused here.
    pub(crate) fn checked(self) -> Result<Self> {
        if self.offset < 0 {
            return Err(MarketError::invalid("offset", "There is nothing before the first order."));
        }
        Ok(self)
    }
}

impl From<OrderQuery> for market_sdk::OrderQuery {
    fn from(query: OrderQuery) -> Self {
        let offset = u32::try_from(query.offset).unwrap_or(0);
        let list = Self::new().limit(quantity(query.limit)).offset(offset);
        match query.status {
            Some(status) => list.status(status.into()),
            None => list,
        }
    }
}
