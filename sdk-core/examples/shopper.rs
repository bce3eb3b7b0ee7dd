//! A shopper in thirty lines, to be tried against the dev server:
//!
//! ```sh
//! cargo run -p market-cli -- dev-server                    # prints its URL, and the codes that it "sends"
//! cargo run -p market-sdk --example shopper -- URL +13128059851
//! ```
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use market_sdk::{EndReason, ErrorCode, MarketClient, MemoryStore, NewOrder, Result, SkuId};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(phone)) = (arguments.next(), arguments.next()) else {
        println!("usage: shopper URL PHONE");
        return Ok(());
    };
    let market = MarketClient::builder(url)
        .app_id("com.example.shopper")
        .store(MemoryStore::default()) // an app leaves this out, and gets the system's keyring
        .allow_http_loopback() // for a server on this very machine, and for nothing else
        .build()?;
    let session = market.session();
    session.on_end(|end| {
        if end.reason != EndReason::Replaced {
            println!("login screen for {}: {:?}", end.user.phone, end.reason);
        }
    });
    // First: whether the session can be kept is known before a code is asked for.
    if !session.restore().await?.is_signed_in() {
        session.request_code(&phone).await?;
        println!("the code:");
        let mut code = String::new();
        if std::io::stdin().read_line(&mut code).is_err() {
            return Ok(());
        }
        let sign_in = session.verify_code(&phone, &code).await?;
        println!("user {} of market {}", sign_in.user.id, sign_in.user.market);
    }
    // Both at once; each call may be spawned, joined or dropped.
    let (cart, wishlist) = tokio::join!(market.cart().add(SkuId(42), 2), market.wishlist().get());
    println!(
        "{} lines, {}; {} wishes",
        cart?.items.len(),
        market.cart().get().await?.total_price,
        wishlist?.items.len()
    );
    match market.orders().place(NewOrder::from_cart("Ann", phone, "1 Main St")).await {
        Ok(order) => println!("order {}: {}", order.id, order.total_amount),
        Err(error) => match error.code() {
            ErrorCode::Rejected | ErrorCode::Unsupported => println!("{error}"),
            ErrorCode::OutcomeUnknown => println!("look at the list of orders before you order again"),
            _ => return Err(error),
        },
    }
    session.logout().await
}
