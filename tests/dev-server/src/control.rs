//! The control calls: what a test does behind the API's back, over HTTP and as a library.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use rusqlite::{Row, params};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use crate::db::{self, Shop};
use crate::dialect::Dialect;
use crate::faults::{self, FaultRule};
use crate::log::{LoggedRequest, Running};
use crate::market::Market;
use crate::routes::auth;
use crate::state::{State, lock};
use crate::wire::Wires;
use crate::{Error, Result};

/// How long a test waits for requests at most.
const PATIENCE: Duration = Duration::from_secs(10);

/// A handle on a running server. Cheap to clone.
#[derive(Clone)]
pub struct Control {
    pub(crate) state: Arc<State>,
    pub(crate) wires: Arc<Wires>,
}

impl Control {
    /// The unexpired, unused code that was sent to this phone last.
    pub fn code(&self, phone: &str) -> Result<Option<String>> {
        Ok(auth::last_code(&self.state, phone)?)
    }

    /// All requests of the API since the start or the last clearing. Control calls are not among them.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.state.log.all()
    }

    /// Waits until no request is running, then gives the log.
    pub async fn settled_requests(&self) -> Vec<LoggedRequest> {
        self.state.log.settled().await;
        self.requests()
    }

    /// Returns when so many requests on this route, which is written as that of a [`FaultRule`], are under way: come, their
    /// fault taken if one is to be played, and not yet answered. An error if they are not within 10 seconds, which says what
    /// is under way; or if the dialect has no such route.
    pub async fn arrived(&self, route: &str, count: usize) -> Result<()> {
        faults::known(route, self.dialect())?;
        let is_one = |one: &&Running| one.under_way && faults::fits(route, &one.method, &one.path);
        let all = self.state.log.when(|running| running.iter().filter(is_one).count() >= count);
        if timeout(PATIENCE, all).await.is_ok() {
            return Ok(());
        }
        let running = self.state.log.running();
        let those = running.iter().filter(|one| one.under_way);
        let those: Vec<_> = those.map(|one| format!("{} {}", one.method, one.path)).collect();
        let those = if those.is_empty() { "nothing".to_owned() } else { those.join(", ") };
        Err(Error::Late(format!("{route} is not under way {count} times within {PATIENCE:?}, but {those}")))
    }

    /// Empties the log. Numbers go on where they were.
    pub fn clear_requests(&self) {
        self.state.log.clear();
    }

    /// All tokens issued until now are refused with 401.
    pub fn expire_sessions(&self) -> Result<()> {
        lock(&self.state.db).execute("UPDATE tokens SET revoked = 1", [])?;
        Ok(())
    }

    /// Moves the server's clock, on or (negative) back.
    pub fn advance_clock(&self, seconds: i64) {
        self.state.clock.advance(seconds.saturating_mul(1_000_000));
    }

    /// The server's time in seconds since 1970.
    pub fn now(&self) -> i64 {
        self.state.clock.seconds()
    }

    /// The dialect being played.
    pub fn dialect(&self) -> Dialect {
        self.state.dialect()
    }

    /// Plays another dialect from the next request on, over the same data: a server upgraded under its clients.
    pub fn set_dialect(&self, dialect: Dialect) {
        self.state.set_dialect(dialect);
    }

    /// A token with these claims, signed as the server's own are.
    pub fn token(&self, claims: &Value) -> String {
        self.state.signer.sign(claims)
    }

    /// Changes the database by hand: tables are named `us_users`, `kg_orders` and so on.
    pub fn execute(&self, sql: &str) -> Result<()> {
        Ok(lock(&self.state.db).execute_batch(sql)?)
    }

    /// Plays a fault from the next request on. An error if the dialect has no such route, or for no times.
    pub fn fault(&self, rule: FaultRule) -> Result<()> {
        rule.check(self.dialect())?;
        self.state.faults.add(rule);
        Ok(())
    }

    /// The rules that have not had their day.
    pub fn faults(&self) -> Vec<FaultRule> {
        self.state.faults.all()
    }

    /// Plays no more faults.
    pub fn clear_faults(&self) {
        self.state.faults.clear();
    }

    /// Lets the requests that a [`Fault::Hold`](crate::Fault::Hold) holds go on, and holds no more.
    pub fn release(&self) {
        self.state.faults.release();
    }

    /// Closes the connections on which no request is running, and returns when they are closed.
    pub async fn close_idle_connections(&self) {
        self.wires.close_idle().await;
    }

    /// Everything as when the server was new: data, log, clock, faults. Connections and the dialect stay.
    pub fn reset(&self) -> Result<()> {
        db::reset(&mut lock(&self.state.db))?;
        self.state.clock.reset();
        self.state.log.clear();
        self.state.faults.clear();
        Ok(())
    }

    /// Users, carts, wishlists, orders and stock as they are stored, per market.
    pub fn stored(&self) -> Result<Value> {
        let conn = lock(&self.state.db);
        let mut all = Map::new();
        for market in Market::ALL {
            all.insert(market.code().to_owned(), snapshot(&Shop { conn: &conn, market })?);
        }
        Ok(Value::Object(all))
    }
}

fn snapshot(shop: &Shop<'_>) -> rusqlite::Result<Value> {
    let users =
        shop.rows("SELECT id, phone, full_name, is_active FROM {m}_users ORDER BY id", [], |row| {
            Ok(json!({
                "id": row.get::<_, i64>(0)?,
                "phone": row.get::<_, String>(1)?,
                "full_name": row.get::<_, Option<String>>(2)?,
                "is_active": row.get::<_, bool>(3)?,
            }))
        })?;
    let pair = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
    let mut carts = Vec::new();
    for (cart, user) in shop.rows("SELECT id, user_id FROM {m}_carts ORDER BY id", [], pair)? {
        let lines = "SELECT id, sku_id, quantity FROM {m}_cart_items WHERE cart_id = ? ORDER BY id";
        let items = shop.rows(lines, [cart], |row| {
            let (id, sku, quantity): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(json!({"id": id, "sku_id": sku, "quantity": quantity}))
        })?;
        carts.push(json!({"id": cart, "user_id": user, "items": items}));
    }
    let mut wishlists = Vec::new();
    for (list, user) in shop.rows("SELECT id, user_id FROM {m}_wishlists ORDER BY id", [], pair)? {
        let lines = "SELECT product_id FROM {m}_wishlist_items WHERE wishlist_id = ? ORDER BY id";
        let products = shop.rows(lines, [list], |row| row.get::<_, i64>(0))?;
        wishlists.push(json!({"id": list, "user_id": user, "product_ids": products}));
    }
    let mut orders = Vec::new();
    let select = "SELECT id, user_id, status, total_amount FROM {m}_orders ORDER BY id";
    let found = shop.rows(select, [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?, row.get::<_, f64>(3)?))
    })?;
    for (order, user, status, total) in found {
        let lines = "SELECT sku_id, quantity FROM {m}_order_items WHERE order_id = ? ORDER BY id";
        let items: Vec<Value> = shop
            .rows(lines, params![order], pair)?
            .into_iter()
            .map(|(sku, quantity)| json!({"sku_id": sku, "quantity": quantity}))
            .collect();
        let order =
            json!({"id": order, "user_id": user, "status": status, "total_amount": total, "items": items});
        orders.push(order);
    }
    let stock: Map<String, Value> = shop
        .rows("SELECT id, stock FROM {m}_skus ORDER BY id", [], pair)?
        .into_iter()
        .map(|(sku, stock)| (sku.to_string(), json!(stock)))
        .collect();
    Ok(json!({"users": users, "carts": carts, "wishlists": wishlists, "orders": orders, "stock": stock}))
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = match self {
            Error::Config(_) => StatusCode::BAD_REQUEST,
            Error::Late(_) => StatusCode::REQUEST_TIMEOUT,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(json!({"error": self.to_string()}))).into_response()
    }
}

type Answer = Result<Json<Value>>;

fn done() -> Answer {
    Ok(Json(json!({"ok": true})))
}

/// The control calls, below `/_dev`.
pub(crate) fn router() -> Router<Control> {
    Router::new()
        .route("/codes", get(codes))
        .route("/requests", get(requests).delete(clear_requests))
        .route("/arrived", get(arrived))
        .route("/expire-sessions", post(expire_sessions))
        .route("/clock", get(clock).post(advance_clock))
        .route("/dialect", get(dialect).post(set_dialect))
        .route("/token", post(token))
        .route("/sql", post(sql))
        .route("/faults", get(faults).post(fault).delete(clear_faults))
        .route("/release", post(release))
        .route("/close-idle", post(close_idle))
        .route("/state", get(stored))
        .route("/reset", post(reset))
}

#[derive(Deserialize)]
struct Phone {
    phone: String,
}

async fn codes(Shared(control): Shared<Control>, Query(asked): Query<Phone>) -> Answer {
    // A `+` that was not percent-encoded arrives as a space.
    Ok(Json(json!({"code": control.code(asked.phone.trim())?})))
}

#[derive(Deserialize)]
struct Wait {
    #[serde(default)]
    settled: bool,
}

async fn requests(Shared(control): Shared<Control>, Query(wait): Query<Wait>) -> Json<Vec<LoggedRequest>> {
    Json(if wait.settled { control.settled_requests().await } else { control.requests() })
}

async fn clear_requests(Shared(control): Shared<Control>) -> Answer {
    control.clear_requests();
    done()
}

#[derive(Deserialize)]
struct Arrival {
    route: String,
    #[serde(default = "once")]
    count: usize,
}

fn once() -> usize {
    1
}

async fn arrived(Shared(control): Shared<Control>, Query(what): Query<Arrival>) -> Answer {
    control.arrived(&what.route, what.count).await?;
    done()
}

async fn expire_sessions(Shared(control): Shared<Control>) -> Answer {
    control.expire_sessions()?;
    done()
}

#[derive(Deserialize)]
struct Advance {
    advance_seconds: f64,
}

async fn clock(Shared(control): Shared<Control>) -> Answer {
    Ok(Json(json!({"now": control.now()})))
}

async fn advance_clock(Shared(control): Shared<Control>, Json(by): Json<Advance>) -> Answer {
    #[allow(clippy::cast_possible_truncation, reason = "what is too much is as much as there can be")]
    control.state.clock.advance((by.advance_seconds * 1e6).round() as i64);
    Ok(Json(json!({"now": control.now()})))
}

async fn dialect(Shared(control): Shared<Control>) -> Answer {
    Ok(Json(json!({"dialect": control.dialect().to_string()})))
}

#[derive(Deserialize)]
struct Play {
    dialect: String,
}

async fn set_dialect(Shared(control): Shared<Control>, Json(play): Json<Play>) -> Answer {
    control.set_dialect(play.dialect.parse().map_err(Error::Config)?);
    done()
}

async fn token(Shared(control): Shared<Control>, Json(claims): Json<Value>) -> Answer {
    Ok(Json(json!({"token": control.token(&claims)})))
}

#[derive(Deserialize)]
struct Sql {
    sql: String,
}

async fn sql(Shared(control): Shared<Control>, Json(statement): Json<Sql>) -> Answer {
    control.execute(&statement.sql)?;
    done()
}

async fn faults(Shared(control): Shared<Control>) -> Json<Vec<FaultRule>> {
    Json(control.faults())
}

async fn fault(Shared(control): Shared<Control>, Json(rule): Json<FaultRule>) -> Answer {
    control.fault(rule)?;
    done()
}

async fn clear_faults(Shared(control): Shared<Control>) -> Answer {
    control.clear_faults();
    done()
}

async fn release(Shared(control): Shared<Control>) -> Answer {
    control.release();
    done()
}

async fn close_idle(Shared(control): Shared<Control>) -> Answer {
    control.close_idle_connections().await;
    done()
}

async fn stored(Shared(control): Shared<Control>) -> Answer {
    Ok(Json(control.stored()?))
}

async fn reset(Shared(control): Shared<Control>) -> Answer {
    control.reset()?;
    done()
}

/// How long a lifetime given in seconds is.
pub(crate) fn seconds(text: &str) -> std::result::Result<Duration, String> {
    text.parse().map(Duration::from_secs).map_err(|error| format!("seconds: {error}"))
}
