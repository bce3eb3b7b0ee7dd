//! One call as its handler sees it: who calls, with what, and the way to the database.

use axum::http::HeaderMap;
use serde_json::{Value, json};

use crate::db::Shop;
use crate::dialect::Dialect;
use crate::log::Ticket;
use crate::market::Market;
use crate::reply::Fail;
use crate::state::{State, lock};
use crate::validate::{Body, Check};

/// A call that has found its route.
pub(crate) struct Call<'a> {
    pub(crate) state: &'a State,
    pub(crate) dialect: Dialect,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) query: &'a [(String, String)],
    /// What stands for the `{…}` of the route.
    pub(crate) param: Option<(&'static str, String)>,
    pub(crate) body: Body,
    pub(crate) ticket: &'a Ticket,
}

/// Who a token stands for.
pub(crate) struct Session {
    pub(crate) user: i64,
    pub(crate) market: Market,
}

impl Call<'_> {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A query parameter; of several the last.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A number in the query. Without a default it is required.
    pub(crate) fn query_int(&self, check: &mut Check, name: &str, default: Option<i64>) -> i64 {
        let loc = [json!("query"), json!(name)];
        match (self.query(name), default) {
            (Some(text), _) => check.int(&loc, &json!(text)),
            (None, Some(default)) => default,
            (None, None) => {
                check.missing(&loc, &Value::Null);
                0
            }
        }
    }

    /// The number in the path.
    pub(crate) fn path_int(&self, check: &mut Check) -> i64 {
        let (name, text) = self.param.as_ref().map_or(("id", ""), |(name, text)| (name, text));
        check.int(&[json!("path"), json!(name)], &json!(text))
    }

    /// The session of the token, or 401.
    pub(crate) fn session(&self) -> Result<Session, Fail> {
        let Some(token) = self.header("authorization").and_then(bearer) else {
            return Fail::http(401, "Missing authorization header");
        };
        let invalid = || Fail::Http(401, "Invalid token".to_owned());
        let claims = self.state.signer.read(token).ok_or_else(invalid)?;
        let now = self.state.clock.seconds();
        let fresh = match claims.get("exp") {
            Some(exp) => exp.as_i64().is_some_and(|exp| exp > now),
            None => self.dialect.deployed(),
        };
        let market = claims.get("market").and_then(Value::as_str).and_then(Market::from_code);
        let (true, Some(market)) = (fresh, market) else { return Err(invalid()) };
        let user = if self.dialect.deployed() {
            let sub = claims.get("sub").and_then(Value::as_str).ok_or_else(invalid)?;
            sub.parse().map_err(|_| Fail::Internal(format!("sub is no number: {sub}")))?
        } else {
            claims.get("user_id").and_then(Value::as_i64).ok_or_else(invalid)?
        };
        let accepted = self.db(market, |shop| {
            if shop.exists("SELECT 1 FROM tokens WHERE text = ? AND revoked", [token])? {
                return Ok(false);
            }
            let active = shop.number("SELECT is_active FROM {m}_users WHERE id = ?", [user])?;
            // A deployed server never asks whether the user has logged out.
            Ok(active.is_some_and(|active| active == 1 || self.dialect.deployed()))
        })?;
        if accepted { Ok(Session { user, market }) } else { Err(invalid()) }
    }

    /// Does one piece of work in one transaction, undone if it fails, and notes whether it changed anything.
    pub(crate) fn db<T>(
        &self,
        market: Market,
        work: impl FnOnce(&Shop<'_>) -> Result<T, Fail>,
    ) -> Result<T, Fail> {
        let mut conn = lock(&self.state.db);
        let tx = conn.transaction()?;
        let before = tx.total_changes();
        let done = work(&Shop { conn: &tx, market })?;
        let changed = tx.total_changes() != before;
        tx.commit()?;
        if changed {
            self.ticket.note(|entry| entry.acted = true);
        }
        Ok(done)
    }
}

/// The token of an `Authorization` header; the scheme's case does not matter.
pub(crate) fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
