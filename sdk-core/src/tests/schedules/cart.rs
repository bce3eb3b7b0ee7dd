//! Promise 11: the cart's requests of one client, and the cart that its observers see.

use super::log::{CallId, Sent};
use super::{Broken, broken};

#[derive(Default)]
pub(super) struct Cart {
    under_way: usize,
    /// The newest call that was sent.
    newest: CallId,
    /// What was shown last: in which stay, and how new it is.
    shown: Option<(u32, u64)>,
}

fn is_cart(sent: &Sent) -> bool {
    let path = sent.url.path();
    path.starts_with("/cart") || (path == "/orders/create" && sent.body["use_cart"] == true)
}

impl Cart {
    /// `first`: it is the first request of this call.
    pub(super) fn sent(&mut self, sent: &Sent, first: Option<CallId>) -> Result<(), Broken> {
        if !is_cart(sent) {
            return Ok(());
        }
        self.under_way += 1;
        if self.under_way > 1 {
            return broken(11, "two at once", format!("{} {}", sent.method, sent.url));
        }
        if let Some(call) = first {
            if call < self.newest {
                return broken(11, "overtaken", format!("call {call} is sent after call {}", self.newest));
            }
            self.newest = call;
        }
        Ok(())
    }

    pub(super) fn answered(&mut self, sent: &Sent) {
        if is_cart(sent) {
            self.under_way -= 1;
        }
    }

    pub(super) fn shown(
        &mut self,
        stay: u32,
        user: Option<u64>,
        cart: Option<&crate::model::Cart>,
    ) -> Result<(), Broken> {
        let Some(cart) = cart else { return Ok(()) };
        let version = cart.id.0;
        if user.is_none() || cart.user_id.map(|user| user.0) != user {
            return broken(2, "another user's cart is shown", format!("{:?} to {user:?}", cart.user_id));
        }
        if let Some((of, newest)) = self.shown
            && of == stay
            && version < newest
        {
            return broken(11, "the shown cart went back in time", format!("{version} after {newest}"));
        }
        self.shown = Some((stay, version));
        Ok(())
    }
}
