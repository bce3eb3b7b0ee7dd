//! `market demo`: a shopper's four scenarios, played with the SDK against a server in a process of its own. Each
//! step is told in a line and checked, in the server's database or its log of requests where the step is about
//! those. No step waits for time to pass.

mod devices;
mod lost;
mod resume;
mod server;
mod story;

use market_dev_server::Dialect;
use market_sdk::{EndReason, ErrorCode, MarketClient, NewOrder, OrderId, SessionState, SkuId};

use crate::failure::Failure;
use devices::{Device, LoginScreen};
use server::{HALF_AN_HOUR, Server, WEEK, cart_lines};
use story::{NotHeld, Story};

const PHONE: &str = "+13128059851";
const BAG: SkuId = SkuId(42);
const SHOES: SkuId = SkuId(103);
const SHIRT: SkuId = SkuId(101);

type Held = Result<(), NotHeld>;

/// Plays all four, or the ones about a session that ends under a call, or the one about a lost answer. The server and the
/// devices' stores are gone afterwards, however it ends.
pub(crate) fn run(dialect: Dialect, resume: bool, lost_answer: bool) -> Result<(), Failure> {
    if lost_answer && dialect == Dialect::G1 {
        return Err(Failure::Usage("servers of the first generation take no orders".to_owned()));
    }
    let server = Server::start(dialect)?;
    let folder = tempfile::tempdir()?;
    let story = Story::to_stdout();
    let played = crate::runtime()?.block_on(async {
        if lost_answer {
            return lost::play(&story, &server, folder.path()).await.map(|()| "the scenario held".to_owned());
        }
        let held = play(&story, &server, folder.path(), dialect, resume).await;
        held.map(|held| format!("{held} scenarios held"))
    });
    match played {
        Ok(held) => Ok(story.tell(&format!("\n{held}"))?),
        Err(not_held) => Err(Failure::Other(not_held.0)),
    }
}

/// Gives the number of scenarios that held.
async fn play(
    story: &Story,
    server: &Server,
    folder: &std::path::Path,
    dialect: Dialect,
    resume: bool,
) -> Result<u32, NotHeld> {
    story.tell(&format!("A market server runs at {} and ends with the demo.", server.url))?;
    if dialect != Dialect::Documented {
        story.tell(&format!("It speaks the API as it is deployed ({dialect}); the app is not told."))?;
    }
    if resume {
        story.tell(&format!("Ann's phone has a session store of its own: {}.", Device::STORE))?;
        resume::play(story, server, &Device::new(folder, "phone", server), dialect).await?;
        return Ok(story.count());
    }
    story.tell(&format!(
        "Ann has a phone and a tablet, each with a session store of its own: {}.",
        Device::STORE
    ))?;
    story.tell("This machine's keyring is not touched.")?;
    let (phone, tablet) = (Device::new(folder, "phone", server), Device::new(folder, "tablet", server));
    log_out_and_in(story, server, &phone).await?;
    let order = expiry_while_shopping(story, server, &phone, dialect).await?;
    a_week_later(story, server, &phone, order).await?;
    another_device(story, server, &phone, &tablet).await?;
    Ok(story.count())
}

async fn log_out_and_in(story: &Story, server: &Server, phone: &Device) -> Held {
    story.scenario("Ann logs out and in again: her cart is still there")?;
    let app = phone.open()?;
    let session = app.session();

    story.tell(
        "Ann types her phone number, then the code. (The demo asks the server for it: there is no SMS.)",
    )?;
    let stored = sign_in(&app, server, PHONE).await?;
    let user = session.state().user().map(|user| (user.id.0, user.market.code().to_owned()));
    story.check("the app is told who she is: user 19 of market us", user, Some((19, "us".to_owned())))?;
    story.check("the token stays with the SDK, which has put it into the phone's store", stored, true)?;

    story.tell("She puts two bags into the cart.")?;
    let total = app.cart().add(BAG, 2).await?.total_price.to_string();
    story.check("the cart has them: USD 39.98, exact to the cent", total.as_str(), "USD 39.98")?;
    story.check("so does the server's database", server.stored_cart().await?, vec![(42, 2)])?;

    story.tell("She logs out.")?;
    let screen = LoginScreen::watch(&session);
    session.logout().await?;
    story.check("the app's login screen is called for once", screen.shown(), vec![EndReason::LoggedOut])?;
    server.forget_requests().await?;
    let told = (code(app.cart().get().await), server.requests().await?);
    let unsent = (Some(ErrorCode::NotSignedIn), Vec::new());
    story.check("the next call ends with NotSignedIn, and nothing was sent", told, unsent)?;
    let anew = phone.open()?.session().restore().await?.is_signed_in();
    story.check("nothing is left in the store: opened anew, the app finds nobody signed in", anew, false)?;

    story.tell("She signs in with a new code.")?;
    sign_in(&app, server, PHONE).await?;
    story.check("the cart is still there", cart_lines(&app.cart().get().await?), vec![(42, 2)])
}

/// Gives the order that was placed, where the server takes orders.
async fn expiry_while_shopping(
    story: &Story,
    server: &Server,
    phone: &Device,
    dialect: Dialect,
) -> Result<Option<OrderId>, NotHeld> {
    story.scenario("The session ends while Ann is shopping")?;
    let app = phone.open()?;
    let session = app.session();
    let screen = LoginScreen::watch(&session);

    story.tell("Ann opens the app.")?;
    let restored = session.restore().await?.is_signed_in();
    story.check("the SDK has restored her session from the store", restored, true)?;

    story.tell("Half an hour passes, and with it her session. (The demo moves the server's clock.)")?;
    server.let_pass(HALF_AN_HOUR).await?;
    story.tell("She taps: the app reads the cart, the wishlist and the profile, all at once.")?;
    let (cart, wishlist) = (app.cart(), app.wishlist());
    let (cart, wishlist, profile) = tokio::join!(cart.get(), wishlist.get(), session.profile());
    let told = [code(cart), code(wishlist), code(profile)];
    story.check(
        "each of the three calls ends with SessionExpired",
        told,
        [Some(ErrorCode::SessionExpired); 3],
    )?;
    let shown = screen.shown();
    story.check("the login screen is called for once, not three times", shown, vec![EndReason::Rejected])?;
    let state = session.state();
    let known = matches!(&state, SessionState::Expired { user, .. } if user.phone.as_str() == PHONE);
    story.check("and can fill in her number: the SDK says whose session it was", known, true)?;

    story.tell("She signs in again and goes on.")?;
    sign_in(&app, server, PHONE).await?;
    story.check("the cart is still there", cart_lines(&app.cart().get().await?), vec![(42, 2)])?;
    let cart = app.cart().add(SHIRT, 1).await?;
    story.check("and takes a T-shirt", cart_lines(&cart), vec![(42, 2), (101, 1)])?;

    story.tell("She orders what is in the cart.")?;
    if dialect == Dialect::G1 {
        let order = app.orders().place(NewOrder::from_cart("Ann", PHONE, "1 Main St, Chicago")).await;
        let told = "the server has no way to place an order, and the app is told: Unsupported";
        story.check(told, code(order), Some(ErrorCode::Unsupported))?;
        story.tell("She takes everything out of the cart.")?;
        app.cart().clear().await?;
        story.check("the server's database has an empty cart", server.stored_cart().await?, Vec::new())?;
        return Ok(None);
    }
    let order = app.orders().place(NewOrder::from_cart("Ann", PHONE, "1 Main St, Chicago")).await?;
    story.check("the order is placed", order.status.as_str(), "pending")?;
    let stored = server.stored_orders().await?;
    story.check("the server's database has it, once", stored, vec![vec![(42, 2), (101, 1)]])?;
    story.check("and an empty cart", server.stored_cart().await?, Vec::new())?;
    Ok(Some(order.id))
}

async fn a_week_later(story: &Story, server: &Server, phone: &Device, order: Option<OrderId>) -> Held {
    story.scenario("The app stays closed for a week")?;
    story.tell("Ann puts shoes into the cart and closes the app.")?;
    let app = phone.open()?;
    app.cart().add(SHOES, 1).await?;
    drop(app);

    story.tell("A week passes. (The demo moves the server's clock; the phone's own stays as it is.)")?;
    server.let_pass(WEEK).await?;
    server.forget_requests().await?;

    story.tell("She opens the app: a new client on the same store.")?;
    let app = phone.open()?;
    let session = app.session();
    let screen = LoginScreen::watch(&session);
    let restored = (session.restore().await?.is_signed_in(), server.requests().await?);
    story.check("the SDK finds the stored session, and asks nobody", restored, (true, Vec::new()))?;
    let told = [code(app.cart().get().await), code(app.orders().list(Default::default()).await)];
    story.check(
        "the first call ends with SessionExpired, and so does the next",
        told,
        [Some(ErrorCode::SessionExpired); 2],
    )?;
    let seen = server.requests().await?;
    // A deployed server has a slash there, and sends the new client on to it first.
    let asked: Vec<_> = seen.iter().filter(|(_, status)| *status != 307).collect();
    let asked: Vec<_> = asked.iter().map(|(path, status)| (path.trim_end_matches('/'), *status)).collect();
    story.check("only the first was sent", asked, vec![("/api/v1/cart", 401)])?;
    story.check("the login screen is called for once", screen.shown(), vec![EndReason::Rejected])?;

    story.tell("She signs in.")?;
    sign_in(&app, server, PHONE).await?;
    story.check("the shoes are still in the cart", cart_lines(&app.cart().get().await?), vec![(103, 1)])?;
    let orders = app.orders().list(Default::default()).await?;
    let orders: Vec<_> = orders.iter().map(|order| order.id).collect();
    match order {
        Some(order) => story.check("and last week's order is in her list", orders, vec![order]),
        None => story.check("and her list of orders is empty", orders, Vec::new()),
    }
}

async fn another_device(story: &Story, server: &Server, phone: &Device, tablet: &Device) -> Held {
    story.scenario("Ann goes on shopping on another device")?;
    let (app, other) = (phone.open()?, tablet.open()?);

    story.tell("Ann takes her tablet, on which she has never signed in.")?;
    let anybody = other.session().restore().await?.is_signed_in();
    story.check("the tablet's store has no session", anybody, false)?;
    sign_in(&other, server, PHONE).await?;
    story.check(
        "signed in, she finds the same cart",
        cart_lines(&other.cart().get().await?),
        vec![(103, 1)],
    )?;

    story.tell("On the tablet she adds a bag.")?;
    other.cart().add(BAG, 1).await?;
    let cart = app.cart().get().await?;
    story.check("the phone, still signed in, shows it too", cart_lines(&cart), vec![(42, 1), (103, 1)])?;
    story.check(
        "the server's database has this one cart",
        server.stored_cart().await?,
        vec![(42, 1), (103, 1)],
    )
}

/// Asks for a code, reads it from the server, and signs in. Says whether the session was stored.
async fn sign_in(app: &MarketClient, server: &Server, phone: &str) -> Result<bool, NotHeld> {
    let session = app.session();
    session.request_code(phone).await?;
    let code = server.code_sent_to(phone).await?;
    Ok(session.verify_code(phone, &code).await?.persisted)
}

/// How a call failed; none if it did not.
fn code<T>(result: market_sdk::Result<T>) -> Option<ErrorCode> {
    result.err().map(|error| error.code())
}
