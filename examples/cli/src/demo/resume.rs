//! `market demo --resume`: a session ends in the middle of a checkout, and the tap is not lost.

use std::time::Duration;

use market_dev_server::Dialect;
use market_sdk::{EndReason, ErrorCode, MarketClient, NewOrder, SessionState};

use super::devices::{Device, LoginScreen};
use super::server::{HALF_AN_HOUR, Server, cart_lines};
use super::story::{NotHeld, Story};
use super::{BAG, Held, PHONE, SHIRT, code, sign_in};

const BEN: &str = "+996700123456";

pub(super) async fn play(story: &Story, server: &Server, phone: &Device, dialect: Dialect) -> Held {
    expiry_at_checkout(story, server, phone, dialect).await?;
    somebody_else(story, server, phone).await
}

async fn expiry_at_checkout(story: &Story, server: &Server, phone: &Device, dialect: Dialect) -> Held {
    story.scenario("Ann's session ends at the checkout: she signs in, and the same tap goes through")?;
    let app = phone.open_parking()?;
    let session = app.session();
    let screen = LoginScreen::watch(&session);

    story.tell("Ann signs in, puts two bags into the cart, and goes to the checkout.")?;
    sign_in(&app, server, PHONE).await?;
    app.cart().add(BAG, 2).await?;
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let lasts = [
        code(session.require_validity(minutes(10)).await),
        code(session.require_validity(minutes(60)).await),
    ];
    story.check(
        "the app asks first: the session lasts for 10 minutes more, not for an hour",
        lasts,
        [None, Some(ErrorCode::SessionExpired)],
    )?;
    story.check("asking has not ended it", session.state().is_signed_in(), true)?;

    story.tell("She looks for her address, for half an hour. (The demo moves the server's clock.)")?;
    server.let_pass(HALF_AN_HOUR).await?;
    server.forget_requests().await?;
    story.tell("She adds a T-shirt and taps: order.")?;
    let cart = app.cart();
    let shirt = tokio::spawn(cart.add(SHIRT, 1));
    until_waiting(&app, 1).await?;
    let order = NewOrder::from_cart("Ann", PHONE, "1 Main St, Chicago").park_on_expiry();
    let order = tokio::spawn(app.orders().place(order));
    let state = until_waiting(&app, 2).await?;
    story.check(
        "neither call fails: the app is told that 2 wait, and for whom",
        whom(&state),
        Some(PHONE),
    )?;
    story.check(
        "one request was sent, and refused",
        statuses(server).await?,
        vec![("/cart/items".to_owned(), 401)],
    )?;

    story.tell("She signs in.")?;
    sign_in(&app, server, PHONE).await?;
    let cart = shirt.await.map_err(|_| lost())??;
    story.check("the T-shirt is in the cart", cart_lines(&cart), vec![(42, 2), (101, 1)])?;
    let placed = order.await.map_err(|_| lost())?;
    story.check("the login screen was called for once", screen.shown(), vec![EndReason::Rejected])?;
    if dialect == Dialect::G1 {
        let told = "the server has no way to place an order, and the app is told: Unsupported";
        story.check(told, code(placed), Some(ErrorCode::Unsupported))?;
        app.cart().clear().await?;
        return Ok(());
    }
    story.check("the order is placed", placed?.status.as_str(), "pending")?;
    let stored = server.stored_orders().await?;
    story.check("the server's database has it, once", stored, vec![vec![(42, 2), (101, 1)]])
}

async fn somebody_else(story: &Story, server: &Server, phone: &Device) -> Held {
    story.scenario("Somebody else signs in instead: Ann's tap is never sent as theirs")?;
    let app = phone.open_parking()?;
    story.tell("Half an hour passes, and Ann puts a bag into the cart.")?;
    server.let_pass(HALF_AN_HOUR).await?;
    let bag = tokio::spawn(app.cart().add(BAG, 1));
    until_waiting(&app, 1).await?;

    story.tell("Ben takes her phone and signs in.")?;
    sign_in(&app, server, BEN).await?;
    story.check(
        "her tap ends with SignedOut",
        code(bag.await.map_err(|_| lost())?),
        Some(ErrorCode::SignedOut),
    )?;
    story.check("his cart is empty", cart_lines(&app.cart().get().await?), Vec::new())?;
    story.check("and so is hers", server.stored_cart().await?, Vec::new())
}

/// Waits for the state that says that so many calls wait.
async fn until_waiting(app: &MarketClient, calls: usize) -> Result<SessionState, NotHeld> {
    let mut states = app.session().subscribe();
    while let Some(state) = states.next().await {
        if matches!(state, SessionState::Expired { waiting, .. } if waiting == calls) {
            return Ok(state);
        }
    }
    Err(lost())
}

fn whom(state: &SessionState) -> Option<&str> {
    state.user().map(|user| user.phone.as_str())
}

/// What the server has answered since, without the deployed servers' way of sending on.
async fn statuses(server: &Server) -> Result<Vec<(String, u64)>, NotHeld> {
    let seen = server.requests().await?.into_iter().filter(|(_, status)| *status != 307);
    Ok(seen.map(|(path, status)| (path.trim_start_matches("/api/v1").to_owned(), status)).collect())
}

fn lost() -> NotHeld {
    NotHeld("a call of this step did not end".to_owned())
}
