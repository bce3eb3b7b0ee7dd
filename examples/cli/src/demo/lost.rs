//! The order whose answer is lost.

use std::path::Path;

use market_sdk::{ErrorCode, NewOrder, Order, OrderOutcome};

use super::devices::Device;
use super::server::Server;
use super::story::Story;
use super::{BAG, Held, PHONE, code, sign_in};

pub(super) async fn play(story: &Story, server: &Server, folder: &Path) -> Held {
    story.tell(&format!("A market server runs at {} and ends with the demo.", server.url))?;
    story.scenario("The answer to Ann's order is lost")?;
    let phone = Device::new(folder, "phone", server);
    let app = phone.open()?;
    story.tell("Ann signs in and puts two bags into the cart.")?;
    sign_in(&app, server, PHONE).await?;
    app.cart().add(BAG, 2).await?;

    story.tell("She orders. The server writes the order down, and then the connection is cut.")?;
    server.lose_the_next_answer_to("POST /orders/create").await?;
    let order = || NewOrder::from_cart("Ann", PHONE, "1 Main St, Chicago");
    let placed = code(app.orders().place(order()).await);
    story.check("the app is told what is known: OutcomeUnknown", placed, Some(ErrorCode::OutcomeUnknown))?;

    story.tell("She taps again.")?;
    server.forget_requests().await?;
    let again = (code(app.orders().place(order()).await), server.requests().await?);
    let pending = (Some(ErrorCode::OrderPending), Vec::new());
    story.check("the second order is held back: OrderPending, and nothing was sent", again, pending)?;

    story
        .tell("Her phone runs out of power. Later she opens the app, which asks what became of the order.")?;
    drop(app);
    let app = phone.open()?;
    let found = match app.orders().resolve().await? {
        OrderOutcome::Placed(order) => lines(&order),
        _ => Vec::new(),
    };
    story.check("it was placed, and here it is: two bags", found, vec![("Canvas Bag".to_owned(), 2)])?;
    let stored = server.stored_orders().await?;
    story.check("the server's database has it, once", stored, vec![vec![(42, 2)]])?;
    story.check("and an empty cart", server.stored_cart().await?, Vec::new())?;

    story.tell("She orders one more bag.")?;
    app.cart().add(BAG, 1).await?;
    let order = app.orders().place(order()).await?;
    story.check("that is another order, and it is placed", lines(&order), vec![("Canvas Bag".to_owned(), 1)])
}

fn lines(order: &Order) -> Vec<(String, i64)> {
    order.items.iter().map(|line| (line.product_name.clone(), line.quantity)).collect()
}
