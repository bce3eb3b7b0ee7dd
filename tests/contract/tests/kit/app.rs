use market_sdk::test_kit::{FakeShop, Fault};
use market_sdk::{ErrorCode, MarketClient, NewOrder, OrderOutcome, Result, SkuId};

const ANN: &str = "+13128059851";

/// The app: orders what is in the cart, and says what it shows.
async fn check_out(market: &MarketClient) -> Result<String> {
    let order = NewOrder::from_cart("Ann", ANN, "1 Main St");
    let placed = match market.orders().place(order).await {
        Err(error) if error.code() == ErrorCode::OutcomeUnknown => market.orders().resolve().await?,
        placed => OrderOutcome::Placed(placed?),
    };
    Ok(match placed {
        OrderOutcome::Placed(order) => format!("Thank you! {}", order.order_number.unwrap_or_default()),
        _ => "We are asking the shop about your order.".to_owned(),
    })
}

#[tokio::test]
async fn a_lost_answer_is_not_shown_as_a_failed_order() -> Result<()> {
    let shop = FakeShop::new();
    let market = shop.signed_in_client(ANN).await;
    market.cart().add(SkuId(42), 2).await?;
    shop.fail_next_on("POST /orders/create", Fault::AnswerLost);
    assert_eq!(check_out(&market).await?, "Thank you! #1001");
    assert_eq!(shop.orders().len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_session_that_ends_at_the_checkout_leads_to_the_login_and_the_cart_is_still_there() -> Result<()> {
    let shop = FakeShop::new();
    let market = shop.signed_in_client(ANN).await;
    market.cart().add(SkuId(42), 2).await?;
    shop.expire_sessions();
    assert_eq!(check_out(&market).await.unwrap_err().code(), ErrorCode::SessionExpired);
    assert_eq!(market.session().state().user().unwrap().phone.as_str(), ANN); // for the login screen
    shop.sign_in(&market, ANN).await?;
    assert_eq!(check_out(&market).await?, "Thank you! #1001");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_shop_that_does_not_answer_is_said_after_half_a_minute_which_the_test_does_not_take() {
    let shop = FakeShop::new();
    let market = shop.signed_in_client(ANN).await;
    shop.fail_next(Fault::Silence);
    assert_eq!(market.cart().get().await.unwrap_err().code(), ErrorCode::Timeout);
}
