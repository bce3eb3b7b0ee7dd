//! The cart that observers are shown.
//!
//! The latest cart is kept with the lineage of the session that it was read under, and shown only while that
//! lasts: it outlives an expiry, after which the same user goes on, and is gone at once with a logout or another
//! user. It never goes back in time, since it is set by who holds the cart lane.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use super::Core;
use super::doubt::{self, Doubts};
use crate::error::Result;
use crate::http::{Got, Made};
use crate::model::{Cart, CartLine, CartWire, Market};
use crate::session::Lineages;
use crate::session::machine::Lineage;

#[derive(Default)]
pub(crate) struct Carts {
    latest: watch::Sender<Option<(Lineage, Latest)>>,
    pub(super) doubts: Doubts,
}

/// The latest cart.
#[derive(Clone)]
enum Latest {
    Read(Cart),
    /// As it came. Nobody looked at the time, and most often nobody does: copying all lines for that takes long.
    Came(Bytes, Market),
}

impl Latest {
    /// None cannot be: it was read once.
    fn cart(self) -> Option<Cart> {
        match self {
            Self::Read(cart) => Some(cart),
            Self::Came(body, market) => {
                serde_json::from_slice::<CartWire>(&body).ok().map(|cart| cart.in_market(&market))
            }
        }
    }
}

/// What is smaller than this is copied.
const SMALL: usize = 64 * 1024;

impl Carts {
    fn show(&self, lineage: Lineage, got: Got<CartWire>) -> Cart {
        let Got { value, market, reply } = got;
        let cart = value.in_market(&market);
        self.doubts.settle(lineage);
        self.latest.send_if_modified(|shown| {
            // An answer of before a logout may come here after one of the next user's.
            let newer = shown.as_ref().is_none_or(|(of, _)| *of <= lineage);
            // Who comes to observe from here on looks when this is done.
            let observed = self.observed();
            if newer {
                let latest = if observed {
                    Latest::Read(cart.clone())
                } else {
                    // A small piece of the connection's buffer would keep all of it.
                    let body = reply.body;
                    let body = if body.len() < SMALL { Bytes::copy_from_slice(&body) } else { body };
                    Latest::Came(body, market)
                };
                *shown = Some((lineage, latest));
            }
            newer && observed
        });
        cart
    }

    /// Lets go of what belongs to a lineage before `lineage`. It would not be shown, but it would stay in memory.
    pub(super) fn forget(&self, lineage: Lineage) {
        self.latest.send_if_modified(|shown| shown.take_if(|(of, _)| *of < lineage).is_some());
    }

    pub(super) fn observed(&self) -> bool {
        self.latest.receiver_count() > 0
    }

    pub(super) fn follow(&self, lineages: Lineages) -> Following {
        Following { shown: self.latest.subscribe(), lineages, last: None }
    }
}

/// Reads the cart in its turn, and shows it.
pub(super) async fn read(core: &Core, made: &Made) -> Result<Cart> {
    let read = async {
        let got = core.dialect.cart_get(&core.http, made).await?;
        Ok(core.carts.show(made.lineage, got))
    };
    core.cart_lane.read(made, read).await
}

/// A change of the cart was tried, and its turn is not over yet: shows what came of it.
pub(super) fn written(core: &Arc<Core>, made: &Made, result: Result<Got<CartWire>>) -> Result<Cart> {
    match result {
        Ok(got) => Ok(core.carts.show(made.lineage, got)),
        Err(error) => {
            doubt::failed(core, made.lineage, error.code());
            Err(error)
        }
    }
}

/// The carts as they come: the present one first, then the latest at each look.
pub(super) struct Following {
    shown: watch::Receiver<Option<(Lineage, Latest)>>,
    lineages: Lineages,
    last: Option<Option<Cart>>,
}

impl Following {
    /// None once the client is gone.
    pub(super) async fn next(&mut self) -> Option<Option<Cart>> {
        loop {
            self.lineages.mark_seen();
            let shown = self.shown.borrow_and_update().clone();
            // After the cart, which therefore belonged to the lineage of now.
            let lineage = self.lineages.current()?;
            let cart = shown.filter(|(of, _)| *of == lineage).and_then(|(_, latest)| latest.cart());
            if !self.last.as_ref().is_some_and(|last| same(last.as_ref(), cart.as_ref())) {
                self.last = Some(cart.clone());
                return Some(cart);
            }
            tokio::select! {
                biased;
                shown = self.shown.changed() => shown.ok()?,
                alive = self.lineages.changed() => if !alive { return None },
            }
        }
    }
}

/// The order of the lines is the server's, and changes from answer to answer.
fn same(one: Option<&Cart>, other: Option<&Cart>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return one.is_none() && other.is_none() };
    let sorted = |cart: &Cart| {
        let mut lines: Vec<CartLine> = cart.items.clone();
        lines.sort_by_key(|line| line.id.0);
        lines
    };
    (one.id, one.user_id, &one.total_price) == (other.id, other.user_id, &other.total_price)
        && sorted(one) == sorted(other)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;
    use crate::http::transport::Reply;

    fn got(id: u64) -> Got<CartWire> {
        let body = Bytes::from(format!(r#"{{"id":{id},"user_id":1,"items":[],"total_price":"0"}}"#));
        let value = serde_json::from_slice(&body).unwrap();
        let reply =
            Reply { status: StatusCode::OK, headers: HeaderMap::new(), body, path_ends_with_slash: false };
        Got { value, market: Market::Us, reply }
    }

    fn kept(carts: &Carts) -> Option<i64> {
        let latest = carts.latest.borrow().clone();
        latest.and_then(|(_, latest)| latest.cart()).map(|cart| cart.id.0.try_into().unwrap())
    }

    #[test]
    fn a_former_users_cart_replaces_no_newer_one_and_is_let_go_of() {
        let (carts, former, newer) = (Carts::default(), 1, 2);
        carts.show(former, got(1));
        assert_eq!(kept(&carts), Some(1));
        carts.forget(newer);
        assert_eq!(kept(&carts), None);
        carts.show(newer, got(2));
        carts.show(former, got(1));
        assert_eq!(kept(&carts), Some(2));
    }
}
