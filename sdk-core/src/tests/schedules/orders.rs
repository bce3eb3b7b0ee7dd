//! Promise 12: what shoppers want once, what they were told of it, and what the shop has.

use std::collections::{HashMap, HashSet};

use super::log::{CallId, ClientId, Got, Resolved};
use super::{Broken, broken};
use crate::{Error, ErrorCode};

#[derive(Default)]
pub(super) struct Orders {
    /// One for each that a shopper wants; its number is in the order's notes.
    wishes: Vec<Wish>,
    calls: HashMap<CallId, Placing>,
    /// Users of whom something is noted.
    noted: HashSet<u64>,
    /// Users who were told that nobody knows what became of their order, and nothing has happened since.
    unknown: HashSet<u64>,
}

struct Placing {
    wish: usize,
    /// How often it was sent.
    sent: usize,
    forced: bool,
}

#[derive(Default)]
struct Wish {
    user: Option<u64>,
    /// It was sent since something was noted of it.
    sent: bool,
    /// A call is about it, or will be in a moment.
    under_way: bool,
    tells: Tells,
    /// The shopper went away, or was told that nobody can know: another tap is another wish.
    abandoned: bool,
    /// A request for it may have been acted on without anybody knowing.
    doubted: bool,
    /// What was noted of it has gone with another's, by which client and when.
    gone: Option<(ClientId, u64)>,
    /// Which order's address it goes to.
    address: usize,
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
    /// `again`: some are for the same as the one of which nobody knows.
    pub(super) fn wish(&mut self, user: Option<u64>, again: bool) -> usize {
        let number = self.wishes.len();
        let before = self.wishes.iter().rev().find(|wish| wish.doubted && wish.user == user);
        let same = before.map(|wish| wish.address).filter(|_| again && number.is_multiple_of(2));
        let address = same.unwrap_or(number);
        self.wishes.push(Wish { under_way: true, address, ..Wish::default() });
        number
    }

    pub(super) fn address_of(&self, wish: usize) -> usize {
        self.wishes[wish].address
    }

    /// The wish that this user taps for once more: the newest of which no answer came.
    pub(super) fn again(&mut self, user: Option<u64>) -> Option<usize> {
        let open = |wish: &Wish| !wish.under_way && !wish.abandoned && wish.tells != Tells::Placed;
        let own = |wish: &Wish| wish.user.is_none() || wish.user == user;
        let wish = self.wishes.iter().rposition(|wish| open(wish) && own(wish)).filter(|_| user.is_some())?;
        self.wishes[wish].under_way = true;
        Some(wish)
    }

    pub(super) fn made(&mut self, call: CallId, number: usize, user: Option<u64>, forced: bool) {
        let wish = &mut self.wishes[number];
        if user.is_some() && wish.user.is_some_and(|of| Some(of) != user) {
            // Another user has signed in between the thought and the tap: it is theirs, and of the former one's nobody taps again.
            (wish.user, wish.doubted, wish.abandoned) = (user, false, true);
        }
        wish.user = wish.user.or(user);
        self.calls.insert(call, Placing { wish: number, sent: 0, forced });
    }

    pub(super) fn sent(&mut self, call: CallId, user: Option<u64>) -> Result<(), Broken> {
        let Some(placing) = self.calls.get_mut(&call) else { return Ok(()) };
        placing.sent += 1;
        let (number, forced, first) = (placing.wish, placing.forced, placing.sent == 1);
        let wish = &mut self.wishes[number];
        wish.user = wish.user.or(user);
        wish.tells = Tells::Nothing;
        wish.sent = true;
        wish.gone = None;
        let Some(user) = wish.user else { return Ok(()) };
        if !self.unknown.contains(&user) {
            return Ok(());
        }
        if first && !forced {
            return broken(12, "sent though nobody knows of an earlier one", format!("order {number}"));
        }
        self.unknown.remove(&user);
        // Whoever forces one does not tap for the others any more.
        let others = self.wishes.iter_mut().enumerate().filter(|(other, _)| *other != number);
        for (_, wish) in others.filter(|(_, wish)| wish.user == Some(user) && wish.doubted) {
            wish.abandoned = true;
        }
        Ok(())
    }

    /// Somebody asks what became of an order.
    pub(super) fn asked(&mut self) {
        self.unknown.clear();
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
            wish.doubted |= placing.sent > 0 && wish.gone.is_none();
            wish.abandoned |= answered;
        }
    }

    /// What is noted of a user's orders is another now, or gone. `lied`: by a store that does not say what is there.
    pub(super) fn changed(&mut self, client: ClientId, events: u64, key: &str, noted: bool, lied: bool) {
        let Some(user) = key.rsplit(' ').next().and_then(|user| user.parse().ok()) else { return };
        if noted {
            self.noted.insert(user);
        } else {
            self.noted.remove(&user);
            self.unknown.remove(&user);
        }
        if !noted && lied {
            // The shopper is told to look at the list of orders.
            for wish in self.wishes.iter_mut().filter(|wish| wish.user == Some(user)) {
                wish.abandoned = true;
            }
        }
        if lied || (!noted && self.open(user).count() > 1) {
            self.go(client, events, user);
        }
    }

    /// Those that the note of a user's orders may be about.
    fn open(&mut self, user: u64) -> impl Iterator<Item = &mut Wish> {
        let open = |wish: &Wish| wish.doubted || (wish.under_way && wish.sent);
        self.wishes.iter_mut().filter(move |wish| wish.user == Some(user) && open(wish))
    }

    /// All attempts count as ones at the same order: what is known of one closes them all.
    fn go(&mut self, client: ClientId, events: u64, user: u64) {
        for wish in self.open(user) {
            wish.gone = Some((client, events));
            wish.doubted = false;
            wish.abandoned = true;
            wish.sent = false;
        }
    }

    /// `by`: the client of which the call is, and when it was made.
    pub(super) fn returned(
        &mut self,
        call: CallId,
        by: (ClientId, u64),
        user: Option<u64>,
        resolving: bool,
        result: &Result<Got, Error>,
    ) -> Result<(), Broken> {
        match result {
            Ok(Got::Resolved(Resolved::NotPlaced)) => {
                let gone = |wish: &Wish| wish.gone.is_some_and(|(client, at)| client == by.0 && at >= by.1);
                let of = |wish: &Wish| wish.user == user && (wish.doubted || gone(wish));
                for wish in self.wishes.iter_mut().filter(|wish| of(wish)) {
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
        let sent = placing.sent > 0;
        let wish = &mut self.wishes[placing.wish];
        wish.under_way = false;
        let of = wish.user;
        match result {
            Ok(_) => {
                wish.tells = Tells::Placed;
                if let Some(user) = of.filter(|user| self.open(*user).count() > 0) {
                    self.unknown.remove(&user);
                    self.go(by.0, by.1, user);
                }
            }
            Err(error) => match error.code() {
                ErrorCode::OutcomeUnknown | ErrorCode::SignedOut | ErrorCode::Cancelled => {
                    wish.doubted |= sent && wish.gone.is_none();
                    if let Some(user) = of.filter(|user| self.noted.contains(user))
                        && error.code() == ErrorCode::OutcomeUnknown
                        && !resolving
                    {
                        self.unknown.insert(user);
                    }
                }
                ErrorCode::OrderPending => {}
                // It was sent, and it is said that nothing came of it.
                _ if sent && !wish.doubted && wish.gone.is_none() => wish.tells = Tells::NotPlaced,
                _ => {}
            },
        }
        Ok(())
    }

    /// The shop has an order, of which a call said that it is the one that was wanted.
    pub(super) fn is_of(&mut self, call: CallId, by: (ClientId, u64), notes: &str) -> Result<(), Broken> {
        let number: Option<usize> = notes.parse().ok();
        if let Some(placing) = self.calls.get(&call)
            && number != Some(placing.wish)
        {
            return broken(12, "another order was taken for it", format!("{notes} for {}", placing.wish));
        }
        if let Some(wish) = number.and_then(|number| self.wishes.get_mut(number)) {
            wish.tells = Tells::Placed;
            wish.doubted = false;
            if let Some(user) = wish.user {
                self.go(by.0, by.1, user);
            }
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
