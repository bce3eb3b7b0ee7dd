//! Promise 12: what shoppers want once, what they were told of it, and what the shop has.

use std::collections::HashMap;

use super::log::{CallId, Got, Resolved};
use super::{Broken, broken};
use crate::{Error, ErrorCode};

#[derive(Default)]
pub(super) struct Orders {
    /// One for each that a shopper wants; its number is in the order's notes.
    wishes: Vec<Wish>,
    calls: HashMap<CallId, Placing>,
}

struct Placing {
    wish: usize,
    /// How often it was sent.
    sent: usize,
}

#[derive(Default)]
struct Wish {
    user: Option<u64>,
    /// A call is about it, or will be in a moment.
    under_way: bool,
    tells: Tells,
    /// The shopper went away, or was told that nobody can know: another tap is another wish.
    abandoned: bool,
    /// A request for it may have been acted on without anybody knowing.
    doubted: bool,
}

/// What the shopper was told last.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Tells {
    #[default]
    Nothing,
    Placed,
    /// And certainly will not be, by what was sent.
    NotPlaced,
}

impl Orders {
    pub(super) fn wish(&mut self) -> usize {
        self.wishes.push(Wish { under_way: true, ..Wish::default() });
        self.wishes.len() - 1
    }

    /// The wish that this user taps for once more: the newest of which no answer came.
    pub(super) fn again(&mut self, user: Option<u64>) -> Option<usize> {
        let open = |wish: &Wish| !wish.under_way && !wish.abandoned && wish.tells != Tells::Placed;
        let own = |wish: &Wish| wish.user.is_none() || wish.user == user;
        let wish = self.wishes.iter().rposition(|wish| open(wish) && own(wish)).filter(|_| user.is_some())?;
        self.wishes[wish].under_way = true;
        Some(wish)
    }

    pub(super) fn made(&mut self, call: CallId, number: usize, user: Option<u64>) {
        let wish = &mut self.wishes[number];
        wish.user = wish.user.or(user);
        self.calls.insert(call, Placing { wish: number, sent: 0 });
    }

    pub(super) fn sent(&mut self, call: CallId, user: Option<u64>) {
        let Some(placing) = self.calls.get_mut(&call) else { return };
        placing.sent += 1;
        let wish = &mut self.wishes[placing.wish];
        wish.user = wish.user.or(user);
        wish.tells = Tells::Nothing;
    }

    /// The caller has left: what becomes of it is not told to anybody.
    pub(super) fn dropped(&mut self, call: CallId) {
        if let Some(placing) = self.calls.get(&call) {
            let wish = &mut self.wishes[placing.wish];
            wish.under_way = false;
            wish.abandoned = true;
        }
    }

    /// The process was killed. `answered`: the order's answer had come, and only the app had not heard of it.
    pub(super) fn killed(&mut self, call: CallId, answered: bool) {
        if let Some(placing) = self.calls.get(&call) {
            let wish = &mut self.wishes[placing.wish];
            wish.under_way = false;
            wish.doubted |= placing.sent > 0;
            wish.abandoned |= answered;
        }
    }

    /// The store took a note for damaged, and it was erased: the shopper is told to look at the list of orders.
    pub(super) fn lost(&mut self, key: &str) {
        let of = |wish: &Wish| wish.user.is_some_and(|user| key.ends_with(&format!(" {user}")));
        for wish in self.wishes.iter_mut().filter(|wish| of(wish)) {
            wish.abandoned = true;
        }
    }

    pub(super) fn returned(
        &mut self,
        call: CallId,
        user: Option<u64>,
        result: &Result<Got, Error>,
    ) -> Result<(), Broken> {
        match result {
            Ok(Got::Resolved(Resolved::NotPlaced)) => {
                for wish in self.wishes.iter_mut().filter(|wish| wish.user == user && wish.doubted) {
                    wish.doubted = false;
                    if wish.tells == Tells::Nothing {
                        wish.tells = Tells::NotPlaced;
                    }
                }
                return Ok(());
            }
            Ok(Got::Resolved(_)) => return Ok(()),
            _ => {}
        }
        let Some(placing) = self.calls.get(&call) else { return Ok(()) };
        let wish = &mut self.wishes[placing.wish];
        wish.under_way = false;
        match result {
            Ok(_) => wish.tells = Tells::Placed,
            Err(error) => match error.code() {
                ErrorCode::OutcomeUnknown | ErrorCode::SignedOut | ErrorCode::Cancelled => {
                    wish.doubted |= placing.sent > 0;
                }
                ErrorCode::OrderPending => {}
                // It was sent, and it is said that nothing came of it.
                _ if placing.sent > 0 && !wish.doubted => wish.tells = Tells::NotPlaced,
                _ => {}
            },
        }
        Ok(())
    }

    /// The shop has an order, of which a call said that it is the one that was wanted.
    pub(super) fn is_of(&mut self, call: CallId, notes: &str) -> Result<(), Broken> {
        let number: Option<usize> = notes.parse().ok();
        if let Some(placing) = self.calls.get(&call)
            && number != Some(placing.wish)
        {
            return broken(12, "another order was taken for it", format!("{notes} for {}", placing.wish));
        }
        if let Some(wish) = number.and_then(|number| self.wishes.get_mut(number)) {
            wish.tells = Tells::Placed;
            wish.doubted = false;
        }
        Ok(())
    }

    /// `placed`: how often the shop has an order with these notes.
    pub(super) fn are_right(&self, placed: impl Fn(&str) -> usize) -> Result<(), Broken> {
        for (number, wish) in self.wishes.iter().enumerate() {
            let placed = placed(&number.to_string());
            if placed > 1 {
                return broken(12, "placed more than once", format!("order {number}: {placed} times"));
            }
            if placed > 0 && wish.tells == Tells::NotPlaced && !wish.under_way {
                return broken(12, "it was placed, though not by what was said", format!("order {number}"));
            }
        }
        Ok(())
    }
}
