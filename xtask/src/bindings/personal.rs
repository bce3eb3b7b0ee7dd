//! What a record does not show of itself, in any language.

/// Texts that are nobody's own. All others are left out when their record is printed: a name, an address, a code, or
/// what a newer version of the SDK brings.
pub(crate) const SHOWN: &[&str] = &[
    "CartLine.name",
    "CartLine.image",
    "ClientConfig.appId",
    "ClientConfig.baseUrl",
    "FieldError.message",
    "FieldError.path",
    "File.folder",
    "LogRecord.message",
    "LogRecord.target",
    "MarketInfo.country",
    "MarketInfo.currency",
    "MarketInfo.currencySign",
    "MarketInfo.language",
    "MarketInfo.phoneFormat",
    "MarketInfo.phonePrefix",
    "Money.currency",
    "NewOrder.paymentMethod",
    "Order.orderNumber",
    "OrderLine.color",
    "OrderLine.productName",
    "OrderLine.size",
    "OrderLine.skuCode",
    "Product.brand",
    "Product.category",
    "Product.colors",
    "Product.description",
    "Product.image",
    "Product.images",
    "Product.name",
    "Product.sizes",
    "Product.slug",
    "Product.subcategory",
    "Profile.country",
    "Profile.currency",
    "Profile.language",
    "Unknown.code",
    "Unknown.name",
];

/// Whether the field, of a type that the generated code spells so, is left out when its record is printed.
pub(crate) fn hides(path: &str, kind: &str) -> bool {
    let text = ["String", "ByteArray", "Data", "Url"].iter().any(|text| kind.contains(text));
    text && !SHOWN.contains(&path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_nobody_has_said_may_be_shown_is_hidden() {
        assert!(hides("Order.customerName", "String?"));
        assert!(hides("Order.new", "List<kotlin.String>"));
        assert!(!hides("Order.orderNumber", "String?"));
        assert!(!hides("Order.id", "Int64"));
    }
}
