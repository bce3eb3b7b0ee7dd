//! Where the program is killed.

use crate::Stage;
use crate::common::US_PHONE as ANN;
use crate::shopper::{Output, PLACE_IT, Running, Shopper};

pub(crate) struct Point {
    pub(crate) stage: Stage,
    /// For people.
    pub(crate) name: &'static str,
    /// Brings the program there.
    reach: fn(&Shopper) -> Running,
}

impl Point {
    /// Runs the command from its start to the point, and kills it there.
    pub(crate) fn play(&self, shopper: &Shopper) {
        shopper.forget_requests();
        (self.reach)(shopper).kill();
        shopper.clear_faults();
    }
}

const fn at(stage: Stage, name: &'static str, reach: fn(&Shopper) -> Running) -> Point {
    Point { stage, name, reach }
}

const VERIFY: &str = "POST /auth/verify-code";
const OUT: &str = "POST /auth/logout";
const NEWEST: &str = "GET /orders";
const CREATE: &str = "POST /orders/create";

fn verify(shopper: &Shopper, output: Output) -> Running {
    let code = shopper.send_code(ANN);
    shopper.start(&["login", ANN, "--code", &code], output)
}

pub(crate) const SIGN_IN: &[Point] = &[
    at(Stage::BeforeSend, "the code is being asked for", |shopper| {
        shopper.hold("POST /auth/send-verification", false);
        let login = shopper.start(&["login", ANN], Output::Free);
        shopper.wait_for("POST /auth/send-verification");
        login
    }),
    at(Stage::BeforeSend, "it waits for the code to be typed", |shopper| {
        let mut login = shopper.start(&["login", ANN], Output::Free);
        login.asks();
        login
    }),
    at(Stage::Sent, "the server has the code and has done nothing yet", |shopper| {
        shopper.hold(VERIFY, false);
        let login = verify(shopper, Output::Free);
        shopper.wait_for(VERIFY);
        login
    }),
    at(Stage::Sent, "the code is used up and the answer is on its way", |shopper| {
        shopper.hold(VERIFY, true);
        let code = shopper.send_code(ANN);
        let login = shopper.start(&["login", ANN, "--code", &code], Output::Free);
        shopper.wait_until(|| shopper.code(ANN).as_ref() != Some(&code));
        login
    }),
    at(Stage::Answered, "the server has answered", |shopper| {
        let lock = shopper.lock_store();
        let login = verify(shopper, Output::Free);
        shopper.wait_for_answer(VERIFY);
        login.holding(lock)
    }),
    at(Stage::Answered, "it is about to store the session", |shopper| {
        let lock = shopper.lock_store();
        let login = verify(shopper, Output::Free);
        login.waits_for_store();
        login.holding(lock)
    }),
    at(Stage::Stored, "it has stored the session and not said so", |shopper| {
        let before = shopper.stored();
        let login = verify(shopper, Output::PluggedOut);
        shopper.wait_until(|| shopper.stored() != before);
        login
    }),
];

fn log_out(shopper: &Shopper, output: Output) -> Running {
    shopper.start(&["logout"], output)
}

/// The store is emptied before the server is told, or beside it: so each way there is with the session and without.
pub(crate) const LOGOUT: &[Point] = &[
    at(Stage::BeforeSend, "it is about to erase the session", |shopper| {
        let lock = shopper.lock_store();
        let logout = log_out(shopper, Output::PluggedLog);
        logout.waits_for_store();
        logout.holding(lock)
    }),
    at(Stage::BeforeSend, "it has erased the session", |shopper| {
        let logout = log_out(shopper, Output::PluggedLog);
        shopper.wait_until(|| shopper.stored().is_empty());
        logout
    }),
    at(Stage::Sent, "the server is being told, and the session is still there", |shopper| {
        let lock = shopper.lock_store();
        shopper.hold(OUT, false);
        let logout = log_out(shopper, Output::Free);
        shopper.wait_for(OUT);
        logout.holding(lock)
    }),
    at(Stage::Sent, "the server is being told", |shopper| {
        shopper.hold(OUT, false);
        let logout = log_out(shopper, Output::Free);
        shopper.wait_for(OUT);
        shopper.wait_until(|| shopper.stored().is_empty());
        logout
    }),
    at(Stage::Sent, "the server has acted and not said so", |shopper| {
        shopper.hold(OUT, true);
        let logout = log_out(shopper, Output::Free);
        shopper.wait_until(|| !shopper.is_active());
        shopper.wait_until(|| shopper.stored().is_empty());
        logout
    }),
    at(Stage::Answered, "the server has answered, and the session is still there", |shopper| {
        let lock = shopper.lock_store();
        let logout = log_out(shopper, Output::Free);
        shopper.wait_for_answer(OUT);
        logout.waits_for_store();
        logout.holding(lock)
    }),
    at(Stage::Stored, "it is done and has not said so", |shopper| {
        let logout = log_out(shopper, Output::PluggedOut);
        shopper.wait_for_answer(OUT);
        shopper.wait_until(|| shopper.stored().is_empty());
        logout
    }),
];

fn place(shopper: &Shopper, output: Output) -> Running {
    shopper.start(PLACE_IT, output)
}

pub(crate) const PLACE: &[Point] = &[
    at(Stage::BeforeSend, "it looks for the newest order", |shopper| {
        shopper.hold(NEWEST, false);
        let order = place(shopper, Output::Free);
        shopper.wait_for(NEWEST);
        order
    }),
    at(Stage::BeforeSend, "it is about to note the order", |shopper| {
        let lock = shopper.lock_store();
        let order = place(shopper, Output::Free);
        shopper.wait_for_answer(NEWEST);
        order.waits_for_store();
        order.holding(lock)
    }),
    at(Stage::Sent, "the server has the order and has done nothing yet", |shopper| {
        shopper.hold(CREATE, false);
        let order = place(shopper, Output::Free);
        shopper.wait_for(CREATE);
        order
    }),
    at(Stage::Sent, "the order is placed and the answer is on its way", |shopper| {
        let before = shopper.orders();
        shopper.hold(CREATE, true);
        let order = place(shopper, Output::Free);
        shopper.wait_until(|| shopper.orders() > before);
        order
    }),
    at(Stage::Answered, "it is about to erase the note", |shopper| {
        shopper.hold(CREATE, false);
        let order = place(shopper, Output::Free);
        shopper.wait_for(CREATE);
        let lock = shopper.lock_store();
        shopper.release();
        shopper.wait_for_answer(CREATE);
        order.waits_for_store();
        order.holding(lock)
    }),
    at(Stage::Stored, "it is done and has not said so", |shopper| {
        let before = shopper.stored();
        let order = place(shopper, Output::PluggedOut);
        shopper.wait_for_answer(CREATE);
        shopper.wait_until(|| shopper.stored() == before);
        order
    }),
];
