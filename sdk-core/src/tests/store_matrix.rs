//! The store matrix: every trouble that a store can be in, times everything that can happen to a client, in
//! each situation that the client can be in.

use super::shop::CODE;
use super::world::{OTHER_PHONE, World};
use crate::model::{LockedReason, SessionState, SignedOutReason};
use crate::{ErrorCode, Result, StoreError, StoreRead};

/// What the table of the session machine comes to, seen from outside. Each cell is
/// **result, state, stored, sent**; `hung>in` is `hung` when the result is there and `in` once all has settled.
///
/// * result: `ok`, `LOCK` StoreLocked, `GONE` StoreUnavailable, `KEPT` StoreNotCleared, `NONE` NotSignedIn,
///   `OVER` SessionExpired
/// * state: `in` signed in, `in*` signed in and not persisted, `none` `bad` `out` `clr` signed out (no session,
///   corrupt, logged out, cleared), `lock` `gone` `hung` locked (locked, unavailable, hung), `exp` expired
/// * stored, in the end: `old` what was stored before, `new` the session of this sign-in, `bad` what nobody can
///   read, `-` nothing
/// * sent: `v` verify-code, so the code is spent; `l` logout; `c` the call; `-` nothing
///
/// The trouble is there before the event, and stays until all has settled. An operation that *lands* reports a
/// failure and took effect. A store that hangs takes 20 s for each operation, which is called late after 5.
/// The sign-in is as another user; the second process has a queue of its own, and its row is about itself.
const TABLE: &str = "
starting: an old session was stored by an earlier process, and the event comes while this one restores
             | restore            | sign-in            | logout         | clear          | call            | 401             | second process
found        | ok in old -        | ok in new v        | ok out - -     | ok clr - -     | ok in old c     | OVER exp - c    | ok in old -
missing      | ok none - -        | ok in new v        | ok out - -     | ok clr - -     | NONE none - -   | NONE none - -   | ok none - -
locked       | LOCK lock old -    | LOCK lock old -    | KEPT out old - | KEPT clr old - | LOCK lock old - | LOCK lock old - | LOCK lock old -
corrupt      | ok bad - -         | ok in new v        | ok out - -     | ok clr - -     | NONE bad - -    | NONE bad - -    | ok bad - -
unavailable  | GONE gone old -    | GONE gone old -    | KEPT out old - | KEPT clr old - | GONE gone old - | GONE gone old - | GONE gone old -
hangs        | LOCK hung>in old - | LOCK hung>in old - | KEPT out - -   | KEPT clr - -   | ok in old c     | OVER exp - c    | LOCK hung>in old -
write fails  | ok in old -        | ok in* - v         | ok out - -     | ok clr - -     | ok in old c     | OVER exp - c    | ok in old -
delete fails | ok in old -        | ok in new v        | KEPT out old - | KEPT clr old - | ok in old c     | OVER exp old c  | ok in old -
write lands  | ok in old -        | ok in* new v       | ok out - -     | ok clr - -     | ok in old c     | OVER exp - c    | ok in old -
delete lands | ok in old -        | ok in new v        | KEPT out - -   | KEPT clr - -   | ok in old c     | OVER exp - c    | ok in old -

running: a user is signed in and stored; a record that is missing or corrupt became so behind the client's back
             | restore            | sign-in            | logout         | clear          | call            | 401             | second process
found        | ok in old -        | ok in new v        | ok out - l     | ok clr - -     | ok in old c     | OVER exp - c    | ok in old -
missing      | ok in - -          | ok in new v        | ok out - l     | ok clr - -     | ok in - c       | OVER exp - c    | ok none - -
locked       | ok in old -        | ok in* old v       | KEPT out old l | KEPT clr old - | ok in old c     | OVER exp old c  | LOCK lock old -
corrupt      | ok in bad -        | ok in new v        | ok out - l     | ok clr - -     | ok in bad c     | OVER exp - c    | ok bad - -
unavailable  | ok in old -        | ok in* old v       | KEPT out old l | KEPT clr old - | ok in old c     | OVER exp old c  | GONE gone old -
hangs        | ok in old -        | ok in*>in new v    | KEPT out - l   | KEPT clr - -   | ok in old c     | OVER exp - c    | LOCK hung>in old -
write fails  | ok in old -        | ok in* - v         | ok out - l     | ok clr - -     | ok in old c     | OVER exp - c    | ok in old -
delete fails | ok in old -        | ok in new v        | KEPT out old l | KEPT clr old - | ok in old c     | OVER exp old c  | ok in old -
write lands  | ok in old -        | ok in* new v       | ok out - l     | ok clr - -     | ok in old c     | OVER exp - c    | ok in old -
delete lands | ok in old -        | ok in new v        | KEPT out - l   | KEPT clr - -   | ok in old c     | OVER exp - c    | ok in old -

signed out: nothing was stored; a record that is found or corrupt came there from another process
             | restore            | sign-in            | logout         | clear          | call            | 401             | second process
found        | ok none old -      | ok in new v        | ok out old -   | ok clr old -   | NONE none old - | NONE none old - | ok in old -
missing      | ok none - -        | ok in new v        | ok out - -     | ok clr - -     | NONE none - -   | NONE none - -   | ok none - -
locked       | ok none - -        | ok in* - v         | ok out - -     | ok clr - -     | NONE none - -   | NONE none - -   | LOCK lock - -
corrupt      | ok none bad -      | ok in new v        | ok out bad -   | ok clr bad -   | NONE none bad - | NONE none bad - | ok bad - -
unavailable  | ok none - -        | ok in* - v         | ok out - -     | ok clr - -     | NONE none - -   | NONE none - -   | GONE gone - -
hangs        | ok none - -        | ok in*>in new v    | ok out - -     | ok clr - -     | NONE none - -   | NONE none - -   | LOCK hung>none - -
write fails  | ok none - -        | ok in* - v         | ok out - -     | ok clr - -     | NONE none - -   | NONE none - -   | ok none - -
delete fails | ok none - -        | ok in new v        | ok out - -     | ok clr - -     | NONE none - -   | NONE none - -   | ok none - -
write lands  | ok none - -        | ok in* new v       | ok out - -     | ok clr - -     | NONE none - -   | NONE none - -   | ok none - -
delete lands | ok none - -        | ok in new v        | ok out - -     | ok clr - -     | NONE none - -   | NONE none - -   | ok none - -

expired: the session ended under the trouble, 6 s ago, so that what the store made of its erase is known
             | restore            | sign-in            | logout         | clear          | call            | 401             | second process
found        | ok exp - -         | ok in new v        | ok out - -     | ok clr - -     | OVER exp - -    | OVER exp - -    | ok none - -
missing      | ok exp - -         | ok in new v        | ok out - -     | ok clr - -     | OVER exp - -    | OVER exp - -    | ok none - -
locked       | ok exp old -       | LOCK exp old -     | KEPT out old - | KEPT clr old - | OVER exp old -  | OVER exp old -  | LOCK lock old -
corrupt      | ok exp - -         | ok in new v        | ok out - -     | ok clr - -     | OVER exp - -    | OVER exp - -    | ok none - -
unavailable  | ok exp old -       | GONE exp old -     | KEPT out old - | KEPT clr old - | OVER exp old -  | OVER exp old -  | GONE gone old -
hangs        | ok exp - -         | LOCK exp - -       | KEPT out - -   | KEPT clr - -   | OVER exp - -    | OVER exp - -    | LOCK hung>none - -
write fails  | ok exp - -         | ok in* - v         | ok out - -     | ok clr - -     | OVER exp - -    | OVER exp - -    | ok none - -
delete fails | ok exp old -       | ok in new v        | KEPT out old - | KEPT clr old - | OVER exp old -  | OVER exp old -  | ok in old -
write lands  | ok exp - -         | ok in* new v       | ok out - -     | ok clr - -     | OVER exp - -    | OVER exp - -    | ok none - -
delete lands | ok exp - -         | ok in new v        | ok out - -     | ok clr - -     | OVER exp - -    | OVER exp - -    | ok none - -
";

/// Not to be read by any version.
const DAMAGED: &[u8] = b"{\"version\":1,\"session\":";

#[derive(Clone, Copy, Debug, PartialEq)]
struct Cell {
    situation: &'static str,
    trouble: &'static str,
    event: &'static str,
    expected: &'static str,
}

fn cells() -> Vec<Cell> {
    let (mut cells, mut situation, mut events) = (Vec::new(), "", Vec::new());
    for line in TABLE.lines().filter(|line| !line.is_empty()) {
        let mut columns = line.split('|').map(str::trim);
        let label = columns.next().unwrap();
        if !line.contains('|') {
            situation = label.split(':').next().unwrap();
        } else if label.is_empty() {
            events = columns.collect();
        } else {
            let row: Vec<_> = columns.collect();
            assert_eq!(row.len(), events.len(), "{situation}, {label}");
            for (&event, expected) in events.iter().zip(row) {
                cells.push(Cell { situation, trouble: label, event, expected });
            }
        }
    }
    cells
}

fn trouble_begins(world: &World, trouble: &str) {
    let store = &world.store;
    let failed = || Some(StoreError::Unavailable("full".to_owned()));
    let all_fail = |read, error: StoreError| {
        store.reads(Some(read));
        store.writes(Some(error.clone()));
        store.deletes(Some(error));
    };
    match trouble {
        "found" => {}
        "missing" => store.lose(),
        "locked" => all_fail(StoreRead::Locked, StoreError::Locked),
        "corrupt" => store.put(DAMAGED),
        "unavailable" => {
            all_fail(
                StoreRead::Unavailable("no bus".to_owned()),
                StoreError::Unavailable("no bus".to_owned()),
            );
        }
        "hangs" => store.hangs(true),
        "write fails" => store.writes(failed()),
        "delete fails" => store.deletes(failed()),
        "write lands" => {
            store.writes(failed());
            store.fails_by_half(true);
        }
        "delete lands" => {
            store.deletes(failed());
            store.fails_by_half(true);
        }
        other => panic!("no such trouble: {other}"),
    }
}

fn trouble_ends(world: &World) {
    world.store.reads(None);
    world.store.writes(None);
    world.store.deletes(None);
    world.store.fails_by_half(false);
    world.store.hangs(false);
}

/// A client in the situation, its store in trouble, and what was stored when the trouble began.
async fn prepared(cell: Cell) -> (World, Option<String>) {
    let signed_in = matches!(cell.situation, "starting" | "running" | "expired");
    let mut world = if signed_in { World::signed_in().await } else { World::new() };
    world.settle().await;
    if !signed_in && cell.trouble == "found" {
        world.second_process().sign_in().await.unwrap();
    }
    trouble_begins(&world, cell.trouble);
    let stored = world.store.stored();
    match cell.situation {
        "starting" => world = world.restart(),
        "running" => {}
        "signed out" => assert!(!world.state().is_signed_in()),
        "expired" => {
            world.shop.expire_tokens();
            assert_eq!(world.market.cart().get().await.unwrap_err().code(), ErrorCode::SessionExpired);
            tokio::time::sleep(std::time::Duration::from_secs(6)).await;
        }
        other => panic!("no such situation: {other}"),
    }
    world.shop.forget_seen();
    (world, stored)
}

/// What comes of the event, and the second process if it is about one.
async fn happens(world: &World, event: &str) -> (Result<()>, Option<World>) {
    let session = world.market.session();
    let result = match event {
        "restore" => session.restore().await.map(drop),
        "sign-in" => session.verify_code(OTHER_PHONE, CODE).await.map(|sign_in| {
            let persisted = matches!(world.state(), SessionState::SignedIn { persisted: true, .. });
            assert_eq!(sign_in.persisted, persisted, "what the caller is told is what the state says");
        }),
        "logout" => session.logout().await,
        "clear" => session.clear().await,
        "call" => world.market.cart().get().await.map(drop),
        "401" => {
            world.shop.expire_tokens();
            world.market.cart().get().await.map(drop)
        }
        "second process" => {
            let second = world.second_process();
            return (second.market.session().restore().await.map(drop), Some(second));
        }
        other => panic!("no such event: {other}"),
    };
    (result, None)
}

fn result_word(result: &Result<()>) -> &'static str {
    match result.as_ref().map_err(|error| error.code()) {
        Ok(()) => "ok",
        Err(ErrorCode::StoreLocked) => "LOCK",
        Err(ErrorCode::StoreUnavailable) => "GONE",
        Err(ErrorCode::StoreNotCleared) => "KEPT",
        Err(ErrorCode::NotSignedIn) => "NONE",
        Err(ErrorCode::SessionExpired) => "OVER",
        Err(other) => panic!("in no cell: {other:?}"),
    }
}

fn state_word(world: &World) -> &'static str {
    match world.state() {
        SessionState::Restoring => "restoring",
        SessionState::Locked { reason: LockedReason::Locked } => "lock",
        SessionState::Locked { reason: LockedReason::Unavailable } => "gone",
        SessionState::Locked { reason: LockedReason::Hung } => "hung",
        SessionState::SignedOut { reason: SignedOutReason::NoSession } => "none",
        SessionState::SignedOut { reason: SignedOutReason::Corrupt } => "bad",
        SessionState::SignedOut { reason: SignedOutReason::LoggedOut } => "out",
        SessionState::SignedOut { reason: SignedOutReason::Cleared } => "clr",
        SessionState::SignedIn { persisted: true, .. } => "in",
        SessionState::SignedIn { persisted: false, .. } => "in*",
        SessionState::Expired { .. } => "exp",
    }
}

fn stored_word(world: &World, before: Option<&str>) -> &'static str {
    match world.store.stored() {
        None => "-",
        Some(now) if now.as_bytes() == DAMAGED => "bad",
        Some(now) if before == Some(&now) => "old",
        Some(_) => "new",
    }
}

fn sent_word(world: &World) -> String {
    let letter = |path: &str| match path {
        "/auth/verify-code" => 'v',
        "/auth/logout" => 'l',
        "/cart" => 'c',
        other => panic!("nobody asked for {other}"),
    };
    let sent: String = world.shop.seen().iter().map(|seen| letter(&seen.path)).collect();
    if sent.is_empty() { "-".to_owned() } else { sent }
}

/// Memory and store agree. A session that is not persisted may be stored all the same, where a write has
/// landed that said it had failed; nothing else may be.
fn agree(world: &World) -> bool {
    let stored = world.store.stored();
    // A sign-in of the same user twice is two sessions: only the token that was just sent tells them apart.
    let is_own = |stored: String| {
        let sent = world.shop.seen_at("/cart").pop().unwrap();
        let token = sent.headers["authorization"].to_str().unwrap().trim_start_matches("Bearer ").to_owned();
        stored.contains(&format!("\"{token}\""))
    };
    match world.state() {
        SessionState::SignedIn { persisted: true, .. } => stored.is_some_and(is_own),
        SessionState::SignedIn { persisted: false, .. } => stored.is_none_or(is_own),
        SessionState::SignedOut { .. } | SessionState::Expired { .. } => stored.is_none(),
        _ => false,
    }
}

/// What another process did to the store is none of this client's business until it hears of it by a 401.
fn is_of_another(cell: Cell, stored: Option<&str>, before: Option<&str>) -> bool {
    let behind_its_back = matches!(
        (cell.situation, cell.trouble),
        ("running", "missing" | "corrupt") | ("signed out", "found" | "corrupt")
    );
    behind_its_back && [before, None].contains(&stored)
}

/// The trouble is over and each client has one more chance, a call or `resumed`: what is wrong then.
async fn wrong_afterwards(
    cell: Cell,
    clients: &[&World],
    before: Option<&str>,
    by_call: bool,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let store = &clients[0].store;
    trouble_ends(clients[0]);
    for client in clients {
        if by_call {
            drop(client.market.cart().get().await);
        } else {
            client.market.session().resumed();
        }
        client.settle().await;
    }
    // If anything were owed, the next chance would be taken.
    let begun = store.begun();
    for client in clients {
        client.market.session().resumed();
        client.settle().await;
    }
    if store.begun() != begun {
        wrong.push("then something is still owed".to_owned());
    }
    for (number, client) in clients.iter().enumerate() {
        let works = client.market.cart().get().await.is_ok();
        client.settle().await;
        let (state, stored) = (client.state(), store.stored());
        let excused = number == 0 && is_of_another(cell, stored.as_deref(), before);
        if works != state.is_signed_in() || !(agree(client) || excused) {
            wrong.push(format!("then client {number}: {state:?}, a call works: {works}, stored: {stored:?}"));
        }
    }
    wrong
}

/// One cell: what differs from what is expected, if anything.
async fn played(cell: Cell, by_call: bool) -> Vec<String> {
    let (world, before) = prepared(cell).await;
    let (result, second) = happens(&world, cell.event).await;
    let subject = second.as_ref().unwrap_or(&world);
    let at_once = state_word(subject);
    world.settle().await;
    let settled = state_word(subject);
    let state = if at_once == settled { settled.to_owned() } else { format!("{at_once}>{settled}") };
    let stored = stored_word(&world, before.as_deref());
    let was = format!("{} {state} {stored} {}", result_word(&result), sent_word(&world));
    let clients: Vec<&World> = std::iter::once(&world).chain(&second).collect();
    let mut wrong = wrong_afterwards(cell, &clients, before.as_deref(), by_call).await;
    if was != cell.expected {
        wrong.push(format!("expected `{}`, was `{was}`", cell.expected));
    }
    wrong
}

#[tokio::test(start_paused = true)]
async fn p5_p7_p8_every_trouble_of_a_store_comes_to_what_the_session_machine_says() {
    let mut wrong = Vec::new();
    let cells = cells();
    for &cell in &cells {
        for by_call in [false, true] {
            for what in played(cell, by_call).await {
                let Cell { situation, trouble, event, .. } = cell;
                wrong.push(format!("{situation} / {trouble} / {event}: {what} (by call: {by_call})"));
            }
        }
    }
    println!("figure: store matrix: {} cells", cells.len());
    assert_eq!(cells.len(), 4 * 10 * 7, "the table is whole");
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

/// No table, but what holds of all: three events, each as soon as the one before has returned.
#[tokio::test(start_paused = true)]
async fn p5_p8_whatever_three_things_happen_in_a_trouble_memory_and_store_agree_after_it() {
    let (mut wrong, mut runs) = (Vec::new(), 0);
    let in_one_process = |cell: &Cell| cell.event != "second process";
    let first_events: Vec<Cell> = cells().into_iter().filter(in_one_process).collect();
    let events: Vec<&str> = first_events[..6].iter().map(|cell| cell.event).collect();
    for &cell in &first_events {
        for second in &events {
            for third in &events {
                runs += 1;
                let run = [cell.event, second, third];
                for what in three_happen(cell, run).await {
                    wrong.push(format!("{} / {} / {run:?}: {what}", cell.situation, cell.trouble));
                }
            }
        }
    }
    println!("figure: store matrix: {runs} runs of three events");
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

async fn three_happen(cell: Cell, events: [&str; 3]) -> Vec<String> {
    let mut wrong = Vec::new();
    let (world, before) = prepared(cell).await;
    let mut signed_in = 0;
    for event in events {
        let (result, _) = happens(&world, event).await;
        let stored = world.store.stored();
        signed_in += usize::from(event == "sign-in" && result.is_ok());
        let out = matches!(event, "logout" | "clear") && result.is_ok() && stored.is_some();
        if out && !is_of_another(cell, stored.as_deref(), before.as_deref()) {
            wrong.push(format!("{event} is Ok, and stored is {stored:?}"));
        }
    }
    // A store that was good when last asked may cost one code; from then on it is known not to be.
    let nothing_works = matches!(cell.trouble, "locked" | "unavailable" | "hangs");
    let codes = world.shop.seen_at("/auth/verify-code").len();
    if codes != signed_in || (nothing_works && codes > 1) {
        wrong.push(format!("{codes} codes were spent for {signed_in} sign-ins"));
    }
    wrong.extend(wrong_afterwards(cell, &[&world], before.as_deref(), true).await);
    wrong
}
