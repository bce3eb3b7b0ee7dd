//! The commands that talk to a server: each is a call of the SDK and what it gave.

use std::io::{self, IsTerminal as _, Write as _};

use futures_util::TryStreamExt as _;
use market_sdk::{
    ErrorCode, LineId, MarketClient, MarketClientBuilder, MemoryStore, NewOrder, OrderId, OrderQuery,
    OrderStatus, PhoneNumber, ProductId, ProfileUpdate, RawRequest, SessionState, SkuId,
};

use crate::args::{
    CartAction, Command, Connection, Format, OrderList, OrdersAction, Place, StoreChoice, WishlistAction,
};
use crate::failure::{Failure, eprint, needs_sign_in};
use crate::show::{self, Shown};

type Done = Result<(), Failure>;

/// Runs one command against the server of `connection`.
pub(crate) async fn run(connection: &Connection, command: Command) -> Done {
    let market = client(connection)?;
    let done = call(&market, connection, command).await;
    if let Err(Failure::Sdk(error)) = &done
        && needs_sign_in(error.code())
    {
        // The session that has just ended is being erased from the store. This process is about to end, so it
        // waits for that; should it fail, the next command meets the same 401.
        let _ = market.session().clear().await;
    }
    done
}

fn client(connection: &Connection) -> Result<MarketClient, Failure> {
    let usage = |why: &str| Failure::Usage(why.to_owned());
    let server = connection.server.as_deref().ok_or_else(|| {
        usage("name the server with --server URL or in MARKET_SERVER; to try things out: market dev-server")
    })?;
    if server.starts_with("http://") && !connection.allow_http {
        return Err(usage("http:// needs --allow-http, and a server on this machine"));
    }
    let mut builder = MarketClient::builder(server)
        .app_id(&connection.app_id)
        .user_agent(concat!("market-cli/", env!("CARGO_PKG_VERSION")));
    if connection.allow_http {
        builder = builder.allow_http_loopback();
    }
    Ok(with_store(builder, &connection.store)?.build()?)
}

fn with_store(builder: MarketClientBuilder, store: &StoreChoice) -> Result<MarketClientBuilder, Failure> {
    match store {
        // The SDK's own default.
        StoreChoice::Keyring => Ok(builder),
        StoreChoice::Memory => Ok(builder.store(MemoryStore::default())),
        #[cfg(unix)]
        StoreChoice::File(folder) => Ok(builder.store(market_sdk::FileStore::new(folder))),
        #[cfg(not(unix))]
        StoreChoice::File(_) => Err(Failure::Usage("this system has no file store".to_owned())),
    }
}

async fn call(market: &MarketClient, connection: &Connection, command: Command) -> Done {
    let session = market.session();
    match command {
        Command::Login { phone, code, send_only, format } => {
            let memory = connection.store == StoreChoice::Memory;
            login(market, phone, code, send_only, memory, format).await
        }
        Command::Status { ask_server, format } => status(market, ask_server, format).await,
        Command::Logout { local: true } => {
            session.clear().await?;
            print("Signed out.")
        }
        Command::Logout { local: false } => {
            // A session that is not read yet is erased all the same, but the server could not be told of it. If
            // it cannot be read, logging out says what that means.
            let _ = session.restore().await;
            session.logout().await?;
            print("Signed out.")
        }
        Command::Profile { name, image, format } => {
            let mut update = ProfileUpdate::new();
            let changes = name.is_some() || image.is_some();
            if let Some(name) = name {
                update = update.full_name(name);
            }
            if let Some(image) = image {
                update = update.profile_image_url(image);
            }
            let profile =
                if changes { session.update_profile(update).await? } else { session.profile().await? };
            give(&show::profile(&profile), format)
        }
        Command::Markets { format } => give(&show::markets(&session.markets().await?), format),
        Command::Cart { action, format } => {
            let cart = market.cart();
            let cart = match action.unwrap_or(CartAction::Show) {
                CartAction::Show => cart.get().await?,
                CartAction::Add { sku, quantity } => cart.add(SkuId(sku), quantity).await?,
                CartAction::Set { line, quantity } => cart.set_quantity(LineId(line), quantity).await?,
                CartAction::Remove { line } => cart.remove(LineId(line)).await?,
                CartAction::Clear => cart.clear().await?,
            };
            give(&show::cart(&cart), format)
        }
        Command::Wishlist { action, format } => {
            let wishlist = market.wishlist();
            let wishlist = match action.unwrap_or(WishlistAction::Show) {
                WishlistAction::Show => wishlist.get().await?,
                WishlistAction::Add { product } => wishlist.add(ProductId(product)).await?,
                WishlistAction::Remove { product } => wishlist.remove(ProductId(product)).await?,
                WishlistAction::Clear => wishlist.clear().await?,
            };
            give(&show::wishlist(&wishlist), format)
        }
        Command::Orders { action, format } => orders(market, action, format).await,
        Command::Request { method, path, query, json, no_session } => {
            let mut request = RawRequest::new(method, path);
            for (name, value) in query {
                request = request.query(name, value);
            }
            if let Some(json) = json {
                request = request.json(&json)?;
            }
            if no_session {
                request = request.without_session();
            }
            print(&show::body(market.request(request).await?.bytes()))
        }
        // These talk to no server that is named, and do not come here.
        Command::Demo { .. } | Command::DevServer(_) | Command::Completions { .. } => Ok(()),
    }
}

async fn login(
    market: &MarketClient,
    phone: Option<String>,
    code: Option<String>,
    send_only: bool,
    memory: bool,
    format: Format,
) -> Done {
    let session = market.session();
    let phone = match phone {
        Some(phone) => phone,
        None => ask("Phone number with its country code: ")?,
    };
    // A code is not asked for where the session could not be kept.
    session.restore().await?;
    let code = match code {
        Some(code) => code,
        None => {
            let sent = session.request_code(&phone).await?;
            let until = sent.expires_at.map(|at| format!(", good until {}", show::time(at)));
            // A script keeps what is printed: the number shows its end alone.
            let to = PhoneNumber::parse(&phone)?;
            eprint(&format!("A code is on its way to {to}{}.", until.unwrap_or_default()));
            if send_only {
                return Ok(());
            }
            ask("Code from the SMS: ")?
        }
    };
    let sign_in = session.verify_code(&phone, &code).await?;
    give(&show::state(&session.state()), format)?;
    if memory {
        eprint("The session ends with this command: it is in memory (--store memory).");
    }
    if sign_in.persisted { Ok(()) } else { Err(Failure::NotStored) }
}

async fn status(market: &MarketClient, ask_server: bool, format: Format) -> Done {
    let session = market.session();
    let mut state = session.restore().await?;
    if ask_server && state.is_signed_in() {
        match session.verify_token().await {
            Ok(_) => {}
            // That is an answer, not a failure: the state says it.
            Err(error) if error.code() == ErrorCode::SessionExpired => state = session.state(),
            Err(error) => return Err(error.into()),
        }
    }
    give(&show::state(&state), format)?;
    match state {
        SessionState::SignedIn { .. } => Ok(()),
        _ => {
            // As above: what has ended is erased before this process ends.
            let _ = session.clear().await;
            Err(Failure::NobodySignedIn)
        }
    }
}

async fn orders(market: &MarketClient, action: Option<OrdersAction>, format: Format) -> Done {
    let orders = market.orders();
    match action {
        None => give(&show::orders(&orders.list(OrderQuery::new()).await?), format),
        Some(OrdersAction::List(OrderList { status, limit, all })) => {
            let mut query = OrderQuery::new().limit(limit);
            if let Some(status) = status {
                query = query.status(OrderStatus::new(&status));
            }
            let found = if all {
                orders.stream(query).try_collect::<Vec<_>>().await?
            } else {
                orders.list(query).await?
            };
            give(&show::orders(&found), format)
        }
        Some(OrdersAction::Get { id }) => give(&show::order(&orders.get(OrderId(id)).await?), format),
        Some(OrdersAction::Place(place)) => {
            give(&show::order(&orders.place(new_order(*place)).await?), format)
        }
        Some(OrdersAction::Resolve) => give(&show::outcome(&orders.resolve().await?), format),
        Some(OrdersAction::Cancel { id }) => {
            give(&show::cancelled(&orders.cancel(OrderId(id)).await?), format)
        }
    }
}

fn new_order(place: Place) -> NewOrder {
    let Place { name, phone, address, city, email, notes, payment, items, force } = place;
    let mut order = if items.is_empty() {
        NewOrder::from_cart(name, phone, address)
    } else {
        NewOrder::of_items(name, phone, address, items.into_iter().map(|(sku, count)| (SkuId(sku), count)))
    };
    order = order.payment_method(payment);
    if let Some(city) = city {
        order = order.city(city);
    }
    if let Some(email) = email {
        order = order.email(email);
    }
    if let Some(notes) = notes {
        order = order.notes(notes);
    }
    if force { order.force() } else { order }
}

/// Asks on standard error, so that standard output holds results alone, and reads a line.
fn ask(question: &str) -> Result<String, Failure> {
    let mut stderr = io::stderr();
    write!(stderr, "{question}")?;
    stderr.flush()?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    if !io::stdin().is_terminal() {
        // Nobody has pressed return on our screen.
        writeln!(stderr)?;
    }
    match line.trim() {
        "" => Err(Failure::Usage("nothing was entered".to_owned())),
        answer => Ok(answer.to_owned()),
    }
}

fn give(shown: &Shown, format: Format) -> Done {
    if format.json { print(&format!("{:#}", shown.json)) } else { print(&shown.text) }
}

fn print(text: &str) -> Done {
    Ok(writeln!(io::stdout(), "{}", text.trim_end())?)
}

#[cfg(test)]
mod tests;
