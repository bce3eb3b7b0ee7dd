//! What a schedule is made of, and how one is drawn.

use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::super::shop::Mishap;
use crate::store::{StoreError, StoreRead};

/// A run from its beginning: how the clients are built, and what happens then.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    pub(super) setup: Setup,
    pub(super) steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    /// How many calls wait for an expired session's user, and for how many seconds each.
    pub(super) parks: Option<(usize, u64)>,
    /// States and carts are observed.
    pub(super) observed: bool,
    /// How many seconds a session lasts, as the server says; none if it says nothing.
    pub(super) lifetime: Option<u64>,
    /// The server's answers have a `Date`.
    pub(super) dated: bool,
    /// The device tells the app's installations apart.
    pub(super) marked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum User {
    Ann,
    Ben,
}

/// What the app calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    SignIn(User),
    /// Two taps at once, with one code.
    SignInTwice(User),
    SignInWrongly(User),
    RequestCode(User),
    Logout,
    Clear,
    Restore,
    RequireValidity,
    Profile,
    UpdateProfile,
    VerifyToken,
    CartGet,
    CartAdd,
    CartSet,
    CartRemove,
    CartClear,
    WishlistGet,
    WishlistAdd,
    WishlistRemove,
    WishlistClear,
    Order {
        from_cart: bool,
        parks: bool,
        /// Whatever became of those before.
        forced: bool,
    },
    /// The shopper taps once more for the order that no answer came to.
    OrderAgain {
        parks: bool,
    },
    Resolve,
    Orders,
    OrderCancel,
    RawGet,
    RawPost,
    RawWithoutSession,
}

impl Act {
    /// It carries the token, and ends with the stay that it was made in.
    pub(super) fn is_as_user(self) -> bool {
        !matches!(
            self,
            Self::SignIn(_)
                | Self::SignInTwice(_)
                | Self::SignInWrongly(_)
                | Self::RequestCode(_)
                | Self::Logout
                | Self::Clear
                | Self::Restore
                | Self::RequireValidity
                | Self::RawWithoutSession
        )
    }

    pub(super) fn spends_code(self) -> bool {
        matches!(self, Self::SignIn(_) | Self::SignInTwice(_) | Self::SignInWrongly(_))
    }

    /// It may be sent twice though the server may have acted on it.
    pub(super) fn is_idempotent(self) -> bool {
        self == Self::CartSet
    }

    pub(super) fn is_order(self) -> bool {
        matches!(self, Self::Order { .. } | Self::OrderAgain { .. })
    }

    /// It waits for an expired session's user, on a client that lets calls wait.
    pub(super) fn parks(self) -> bool {
        match self {
            Self::Order { parks, .. } | Self::OrderAgain { parks } => parks,
            act => act.is_as_user() && act != Self::VerifyToken,
        }
    }

    /// It waits for its turn on the cart.
    pub(super) fn is_in_lane(self) -> bool {
        matches!(
            self,
            Self::CartGet
                | Self::CartAdd
                | Self::CartSet
                | Self::CartRemove
                | Self::CartClear
                | Self::Order { from_cart: true, .. }
        )
    }
}

/// Which requests something is made of.
#[derive(Clone, Copy, Debug)]
pub(super) enum At {
    Anywhere,
    SignIn,
    Cart,
    CartItems,
    OrderPlaced,
    Orders,
}

impl At {
    pub(super) fn path(self) -> Option<&'static str> {
        match self {
            Self::Anywhere => None,
            Self::SignIn => Some("/auth/verify-code"),
            Self::Cart => Some("/cart"),
            Self::CartItems => Some("/cart/items"),
            Self::OrderPlaced => Some("/orders/create"),
            Self::Orders => Some("/orders"),
        }
    }
}

/// Clients are numbered as they are opened, modulo those that are open.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Makes a call. One with `polls` is dropped after so many.
    Call {
        on: u8,
        act: Act,
        polls: Option<u8>,
    },
    /// Drops a call that is under way.
    Leave {
        call: u8,
    },
    /// All that can goes on, so often.
    Turns(u8),
    Wait(Duration),
    /// The server forgets all tokens.
    Forget,
    Mishap {
        at: At,
        mishap: Mishap,
    },
    Outage(Option<Mishap>),
    StoreReads(StoreRead),
    StoreRefuses {
        writes: Option<StoreError>,
        erases: Option<StoreError>,
        half: bool,
    },
    StoreHangs,
    /// Its next operation takes longer.
    StoreSlow(Duration),
    StorePanics,
    StoreFine,
    /// The stored session is damaged.
    Damage,
    /// The time of day is set, alone.
    ClockForward(Duration),
    ClockBack(Duration),
    /// The device sleeps: clocks go on, and no timer runs.
    Sleep(Duration),
    /// The app comes to the foreground.
    Resumed {
        on: u8,
    },
    /// A second client on the same entry of the store.
    Beside {
        other_process: bool,
    },
    /// The client is let go, and another is built in its process.
    Reopen {
        on: u8,
    },
    /// The client's process is killed, and another is started. `lands`: what it did in the store at that moment
    /// takes effect.
    Kill {
        on: u8,
        lands: bool,
    },
    /// The app is uninstalled, installed and started. What it stored is there still, as on iOS.
    Reinstall,
}

/// The most steps of a schedule.
const MOST: usize = 32;

pub(super) fn schedules() -> impl Strategy<Value = Schedule> {
    let steps = prop_oneof![
        // Most begin with somebody signed in.
        4 => (vec(step(), 1..MOST), user()).prop_map(|(mut steps, user)| {
            let call = Step::Call { on: 0, act: Act::SignIn(user), polls: None };
            steps.splice(0..0, [call, Step::Wait(Duration::from_millis(100))]);
            steps
        }),
        1 => vec(step(), 1..MOST),
    ];
    (setup(), steps).prop_map(|(setup, steps)| Schedule { setup, steps })
}

fn setup() -> impl Strategy<Value = Setup> {
    let parks =
        option::weighted(0.4, (prop_oneof![Just(2_usize), Just(20)], prop_oneof![Just(20_u64), Just(600)]));
    let lifetime = prop_oneof![4 => Just(Some(1800)), 2 => Just(Some(90)), 1 => Just(None)];
    let marked = prop::bool::weighted(0.2);
    (parks, any::<bool>(), lifetime, prop::bool::weighted(0.9), marked).prop_map(
        |(parks, observed, lifetime, dated, marked)| Setup { parks, observed, lifetime, dated, marked },
    )
}

fn user() -> impl Strategy<Value = User> {
    prop_oneof![2 => Just(User::Ann), 1 => Just(User::Ben)]
}

fn step() -> impl Strategy<Value = Step> {
    let call = (0..2_u8, act(), option::weighted(0.12, 0..12_u8));
    prop_oneof![
        40 => call.prop_map(|(on, act, polls)| Step::Call { on, act, polls }),
        4 => (0..6_u8).prop_map(|call| Step::Leave { call }),
        5 => (1..20_u8).prop_map(Step::Turns),
        24 => wait().prop_map(Step::Wait),
        4 => Just(Step::Forget),
        12 => mishap(),
        2 => option::of(mishap_anywhere()).prop_map(Step::Outage),
        1 => sent_on().prop_map(|mishap| Step::Outage(Some(mishap))),
        10 => store(),
        2 => clock(),
        2 => (0..2_u8).prop_map(|on| Step::Resumed { on }),
        2 => any::<bool>().prop_map(|other_process| Step::Beside { other_process }),
        2 => (0..2_u8).prop_map(|on| Step::Reopen { on }),
        3 => (0..2_u8, any::<bool>()).prop_map(|(on, lands)| Step::Kill { on, lands }),
        1 => Just(Step::Reinstall),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => user().prop_map(Act::SignIn),
        1 => user().prop_map(Act::SignInTwice),
        1 => user().prop_map(Act::SignInWrongly),
        1 => user().prop_map(Act::RequestCode),
        4 => Just(Act::Logout),
        2 => Just(Act::Clear),
        1 => Just(Act::Restore),
        1 => Just(Act::RequireValidity),
        2 => Just(Act::Profile),
        1 => Just(Act::UpdateProfile),
        1 => Just(Act::VerifyToken),
        3 => Just(Act::CartGet),
        4 => Just(Act::CartAdd),
        1 => Just(Act::CartSet),
        1 => Just(Act::CartRemove),
        1 => Just(Act::CartClear),
        1 => Just(Act::WishlistGet),
        1 => Just(Act::WishlistAdd),
        1 => Just(Act::WishlistRemove),
        1 => Just(Act::WishlistClear),
        6 => (any::<bool>(), any::<bool>(), prop::bool::weighted(0.25))
            .prop_map(|(from_cart, parks, forced)| Act::Order { from_cart, parks, forced }),
        3 => any::<bool>().prop_map(|parks| Act::OrderAgain { parks }),
        3 => Just(Act::Resolve),
        1 => Just(Act::Orders),
        1 => Just(Act::OrderCancel),
        2 => Just(Act::RawGet),
        1 => Just(Act::RawPost),
        1 => Just(Act::RawWithoutSession),
    ]
}

fn wait() -> impl Strategy<Value = Duration> {
    let millis = prop_oneof![
        2 => Just(0_u64), 3 => Just(1), 3 => Just(3), 2 => Just(10), 3 => Just(20), 3 => Just(25), 4 => Just(45),
        4 => Just(100), 3 => Just(1_000), 2 => Just(5_000), 2 => Just(31_000), 1 => Just(90_000),
        1 => Just(16 * 60_000), 1 => Just(31 * 60_000),
    ];
    millis.prop_map(Duration::from_millis)
}

/// It quotes what must not be shown.
const QUOTES: &str = r#"{"detail": "+13128059851 (code 770001) 13128059852"}"#;

fn mishap_anywhere() -> impl Strategy<Value = Mishap> {
    let status =
        prop::sample::select(vec![400, 401, 403, 404, 408, 409, 418, 422, 429, 500, 502, 503, 504, 304]);
    let slow = prop::sample::select(vec![5, 30, 60, 1_000, 20_000, 29_970, 60_000]);
    prop_oneof![
        4 => status.prop_map(|status| Mishap::Status(status, QUOTES)),
        1 => Just(Mishap::RetryAfter(503, "1")),
        1 => Just(Mishap::RetryAfter(429, "40")),
        2 => Just(Mishap::NotSent),
        3 => Just(Mishap::LostBefore),
        3 => Just(Mishap::LostAfter),
        5 => slow.prop_map(|millis| Mishap::Slow(Duration::from_millis(millis))),
        1 => Just(Mishap::Silent),
        1 => Just(Mishap::Body(b"<html>+13128059851")),
        1 => Just(Mishap::Body(b"{\"id\":")),
        1 => Just(Mishap::Body(b"")),
        3 => sent_on(),
    ]
}

fn sent_on() -> impl Strategy<Value = Mishap> {
    let status = prop::sample::select(vec![301, 302, 303, 307, 307, 308]);
    let elsewhere = prop::sample::select(vec![
        "https://evil.example",
        "//evil.example",
        "https://shop.example:444",
        "https://ann:secret@shop.example",
    ]);
    let there = prop_oneof![3 => Just(""), 1 => Just("https://shop.example"), 1 => Just("http://shop.example"), 3 => elsewhere];
    (status, there).prop_map(|(status, there)| Mishap::SentOn(status, there))
}

fn mishap() -> impl Strategy<Value = Step> {
    let at = prop_oneof![
        4 => Just(At::Anywhere), 1 => Just(At::SignIn), 1 => Just(At::Cart), 1 => Just(At::CartItems),
        2 => Just(At::OrderPlaced), 1 => Just(At::Orders),
    ];
    prop_oneof![
        10 => (at, mishap_anywhere()).prop_map(|(at, mishap)| Step::Mishap { at, mishap }),
        1 => (0..14 * 60_u64).prop_map(|late| Step::Mishap {
            at: At::OrderPlaced,
            mishap: Mishap::ActsLate(Duration::from_secs(late)),
        }),
    ]
}

fn store() -> impl Strategy<Value = Step> {
    let why = || "out of order".to_owned();
    let error = move || prop_oneof![Just(StoreError::Locked), Just(StoreError::Unavailable(why()))];
    prop_oneof![
        1 => Just(Step::StoreReads(StoreRead::Locked)),
        1 => Just(Step::StoreReads(StoreRead::Unavailable(why()))),
        1 => Just(Step::StoreReads(StoreRead::Corrupt)),
        3 => (option::of(error()), option::of(error()), any::<bool>())
            .prop_map(|(writes, erases, half)| Step::StoreRefuses { writes, erases, half }),
        1 => Just(Step::StoreHangs),
        2 => prop_oneof![Just(40_u64), Just(4_000), Just(6_000)]
            .prop_map(|millis| Step::StoreSlow(Duration::from_millis(millis))),
        1 => Just(Step::StorePanics),
        4 => Just(Step::StoreFine),
        1 => Just(Step::Damage),
    ]
}

fn clock() -> impl Strategy<Value = Step> {
    let time =
        || prop::sample::select(vec![90, 1_860, 7_200, 400 * 24 * 3_600]).prop_map(Duration::from_secs);
    prop_oneof![
        time().prop_map(Step::ClockForward),
        time().prop_map(Step::ClockBack),
        time().prop_map(Step::Sleep),
    ]
}
