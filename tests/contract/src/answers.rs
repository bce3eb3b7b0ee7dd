//! Answers of servers: whole ones, with every field that is known of them.

use serde_json::{Value, json};

/// A cart with one line: 5 pieces whose sum carries a server's float noise.
pub fn cart() -> Value {
    json!({
        "id": 5, "user_id": 19, "total_items": 1, "total_price": 99.94999999999999,
        "items": [{
            "id": 101, "sku_id": 42, "quantity": 5, "name": "Canvas Bag", "price": 19.99, "image": "/b.jpg",
        }],
    })
}

/// A cart without lines.
pub fn empty_cart() -> Value {
    json!({"id": 5, "user_id": 19, "items": [], "total_items": 0, "total_price": 0})
}

/// A wishlist with one product that has everything.
pub fn wishlist() -> Value {
    json!({"id": 8, "user_id": 19, "items": [{"id": 201, "product": {
        "id": "15", "name": "Silk Scarf", "slug": "silk-scarf", "brand": "Northpeak", "price": 24.5,
        "originalPrice": 30.0, "discount": 18, "image": "/s.jpg", "images": ["/s.jpg", "/s-2.jpg"],
        "category": "Clothes", "subcategory": "Shoes", "sizes": ["ONE"], "colors": ["Red", "Blue"],
        "rating": 4.5, "reviews": 8, "salesCount": 12, "inStock": true, "description": "Soft",
        "features": [],
    }}]})
}

/// A wishlist without products.
pub fn empty_wishlist() -> Value {
    json!({"id": 8, "user_id": 19, "items": []})
}

/// An order with one line.
pub fn order() -> Value {
    json!({
        "id": 1001, "order_number": "#1001", "status": "pending", "customer_name": "Ann",
        "customer_phone": "+13128059851", "delivery_address": "1 Main St", "subtotal": 39.98,
        "shipping_cost": 150.0, "total_amount": 189.98, "currency": "KGS",
        "order_date": "2026-11-23T20:38:22.672617Z",
        "items": [{
            "id": 7, "product_name": "Canvas Bag", "sku_code": "LM-010", "size": "ONE", "color": "Natural",
            "unit_price": 19.99, "quantity": 2, "total_price": 39.98,
        }],
    })
}

/// What a cancellation is answered with.
pub fn cancelled() -> Value {
    json!({"success": true, "message": "Order cancelled", "order_id": 1001, "status": "cancelled"})
}

/// A profile.
pub fn profile() -> Value {
    json!({
        "id": "19", "phone_number": "+13128059851", "formatted_phone": "+1 (312) 805-9851", "name": "Ann",
        "full_name": "Ann Example", "profile_image_url": "/ann.jpg", "is_active": true, "is_verified": true,
        "market": "us", "language": "en", "country": "United States", "currency": "$", "currency_code": "USD",
        "last_login": "2026-11-23T20:38:22+00:00", "created_at": "2026-11-01T08:00:00Z",
    })
}

/// What a change of the profile is answered with.
pub fn profile_updated() -> Value {
    json!({"success": true, "message": "Profile updated successfully", "user": profile()})
}

/// What the server says of the token.
pub fn token_status() -> Value {
    json!({
        "valid": true, "user_id": 19, "phone_number": "+13128059851", "formatted_phone": "+1 (312) 805-9851",
        "market": "us", "currency": "$",
    })
}

/// The markets.
pub fn markets() -> Value {
    json!({"default_market": "kg", "supported_markets": [{
        "market": "us", "country": "United States", "currency": "$", "currency_code": "USD", "language": "en",
        "phone_prefix": "+1", "phone_format": "+1 (XXX) XXX-XXXX",
    }]})
}

/// That a code was sent, as deployed servers say it.
pub fn code_sent() -> Value {
    json!({
        "success": true, "message": "Verification code sent successfully",
        "phone_number": "+1 (312) 805-9851", "market": "us", "language": "en", "expires_in_minutes": 15,
    })
}

/// That somebody has signed in, as deployed servers say it.
pub fn signed_in(token: &str) -> Value {
    json!({
        "success": true, "message": "Phone number verified successfully", "access_token": token,
        "token_type": "bearer", "expires_in": 1800, "market": "us", "is_new_user": true,
        "user": {
            "id": "19", "name": "Ann", "full_name": "Ann Example", "phone": "+13128059851", "email": null,
            "is_active": true, "is_verified": true, "market": "us",
        },
    })
}
