//! What an app is told: states, ends, and what its calls give.

use std::time::Duration;

use super::super::super::world::STORE_TIMEOUT;
use super::super::client::{Ends, Knows, Live, Now};
use super::super::log::{CallId, ClientId, Got};
use super::super::steps::Act;
use super::super::wire::{code, secrets};
use super::super::{Broken, broken};
use super::{Call, Fate, Model, TICK};
use crate::model::{EndReason, ExpiringSoon, LockedReason, SessionEnd, SessionState};
use crate::{Error, ErrorCode, Result};

impl Model {
    pub(super) fn ended(&mut self, now: Now, at: ClientId, end: &SessionEnd) -> Result<(), Broken> {
        secrets(&format!("{end:?}"))?;
        let client = &mut self.clients[at];
        if client.killed {
            return Ok(());
        }
        let said = (end.user.id.0, end.reason);
        let before = client.signalled.replace((said, now.elapsed));
        if let Some(owed) = client.owes.take() {
            if owed != said {
                return broken(3, "another end was signalled", format!("{said:?} for {owed:?}"));
            }
            return Ok(());
        }
        match &client.knows {
            Knows::In(Live { ends: Some(ends), user, .. })
                if ends.at <= now.monotonic && said == (*user, EndReason::Expired) =>
            {
                client.expire(now, EndReason::Expired)?;
                client.owes = None;
                Ok(())
            }
            Knows::In(live) if before == Some((said, now.elapsed)) => {
                broken(3, "signalled again", format!("client {at}: {said:?}, {live:?}"))
            }
            Knows::In(live) if client.late && end.reason == EndReason::Rejected => {
                broken(2, "a late answer ended it", format!("client {at}: {said:?}, {live:?}"))
            }
            Knows::In(live) => broken(4, "ended without a cause", format!("client {at}: {said:?}, {live:?}")),
            knows => broken(3, "signalled again", format!("client {at}: {said:?}, {knows:?}")),
        }
    }

    /// It was said that the session ends soon: once for each, not too early, and never of one that has ended.
    pub(super) fn expiring(&mut self, now: Now, at: ClientId, soon: &ExpiringSoon) -> Result<(), Broken> {
        secrets(&format!("{soon:?}"))?;
        let client = &mut self.clients[at];
        if client.killed {
            return Ok(());
        }
        let what = format!("client {at}: {soon:?}, {:?}", client.knows);
        let Knows::In(Live { ends: Some(ends), user, .. }) = &mut client.knows else {
            return broken(3, "one ends soon that is none", what);
        };
        let from = ends.at.saturating_sub(ends.margin);
        let said_at = ends.at.saturating_sub(soon.left);
        if soon.user.id.0 != *user || said_at < from || said_at > now.monotonic || soon.left.is_zero() {
            return broken(3, "it does not end so soon", what);
        }
        if std::mem::replace(&mut ends.said, true) {
            return broken(3, "said again that it ends soon", what);
        }
        Ok(())
    }

    /// How many calls wait for an expired session's user: those at least that were made since and came to the door at
    /// once, and none that cannot.
    fn waits(&self, now: Now, at: ClientId, waiting: usize) -> Result<(), Broken> {
        let Some((limit, patience)) = self.setup.parks else {
            return match waiting {
                0 => Ok(()),
                _ => broken(4, "how many wait", format!("client {at}: {waiting}, though none may")),
            };
        };
        let client = &self.clients[at];
        let calls = || self.calls.iter().filter(|(_, call)| call.client == at && !call.over);
        let can = calls().filter(|(_, call)| {
            call.act.parks() && call.stay == client.stay && !call.sent.contains(&Fate::UnderWay)
        });
        let does = |call: &Call| {
            let at_once = call.act.parks() && !call.act.is_order() && call.act != Act::Resolve;
            at_once && call.stay == client.stay && call.waits == Some(client.expiries)
        };
        let mut must = 0;
        for (number, call) in calls().filter(|(_, call)| does(call)) {
            let patience = Duration::from_secs(patience);
            let until = call.made_at.elapsed + patience;
            if until + 2 * TICK <= now.elapsed {
                return broken(9, "it waits for too long", format!("call {number}: {:?}", call.act));
            }
            // Otherwise it may be on its way back in this moment, as when the device wakes.
            let waits = now.elapsed + TICK < until && now.monotonic < call.made_at.monotonic + patience;
            must += usize::from(waits);
        }
        let most = can.count().min(limit);
        if waiting < must || waiting > most {
            return broken(4, "how many wait", format!("client {at}: {waiting}, and not {must} to {most}"));
        }
        Ok(())
    }

    /// What a client shows now.
    pub(in super::super) fn shown(
        &mut self,
        now: Now,
        at: ClientId,
        state: &SessionState,
    ) -> Result<(), Broken> {
        let client = &self.clients[at];
        if let Some(owed) = client.owes {
            return broken(3, "an end was not signalled at once", format!("client {at}: {owed:?}"));
        }
        // Said to be late, or to be said so in this moment.
        let waits = |by: Duration| {
            client.jobs.iter().any(|job| job.session && job.submitted + STORE_TIMEOUT + by <= now.elapsed)
        };
        let (promise, right) = match (&client.knows, state) {
            (Knows::Unread(_), SessionState::Locked { reason: LockedReason::Hung }) => {
                (8, waits(Duration::ZERO))
            }
            (Knows::Unread(None), SessionState::Restoring) => (8, !waits(TICK)),
            (Knows::Unread(Some(why)), SessionState::Locked { reason }) => (8, why == reason && !waits(TICK)),
            (Knows::Unread(_), _) => (8, false),
            (Knows::Out(why), SessionState::SignedOut { reason }) => (8, why == reason),
            (Knows::In(live), SessionState::SignedIn { user, persisted, .. }) => {
                let what = || format!("client {at}: {live:?}");
                if live.ends.is_some_and(|ends| ends.timer + TICK <= now.elapsed) {
                    return broken(4, "its time is up", what());
                }
                let soon = |ends: Ends| ends.soon_timer + TICK <= now.elapsed && now.monotonic < ends.at;
                if live.ends.is_some_and(|ends| soon(ends) && !ends.said) {
                    return broken(3, "it ends soon, and nobody was told", what());
                }
                (4, user.id.0 == live.user && *persisted == live.persisted)
            }
            (Knows::Expired { user: who, reason: why }, SessionState::Expired { user, reason, waiting }) => {
                self.waits(now, at, *waiting)?;
                (4, user.id.0 == *who && why == reason)
            }
            (Knows::In(_), _) => (4, false),
            (_, SessionState::SignedIn { .. }) => (2, false),
            _ => (4, false),
        };
        if right {
            return Ok(());
        }
        broken(promise, "the state", format!("client {at} shows {state:?}, and should {:?}", client.knows))
    }

    pub(super) fn returned(
        &mut self,
        now: Now,
        number: CallId,
        result: &Result<Got, Error>,
    ) -> Result<(), Broken> {
        let Some(call) = self.calls.get_mut(&number) else { return Ok(()) };
        call.over = true;
        let (at, act) = (call.client, call.act);
        let client = &self.clients[at];
        let what = || format!("call {number}, {act:?} on client {at}: {result:?}");
        if let Err(error) = result {
            let text = format!("{error:?} {error}");
            secrets(&text)?;
            if act.spends_code() && text.contains(&code(number)) {
                return broken(10, "a code", text);
            }
        }
        if act.is_order() || act == Act::Resolve {
            let (users, made) = (client.user(), call.made);
            let resolving = self.calls.values().any(|call| call.act == Act::Resolve && !call.over);
            self.orders.returned(number, (at, made), users, resolving, result)?;
        }
        match (act, result) {
            (Act::Logout | Act::Clear, Ok(_)) => return self.buried(at, number),
            (Act::Logout | Act::Clear, Err(error)) => {
                let call = &self.calls[&number];
                let (made, held) = (call.made, call.held.clone());
                let client = &mut self.clients[at];
                let waits = client.jobs.iter().any(|job| job.submitted + STORE_TIMEOUT <= now.elapsed);
                let why =
                    self.store_fails || self.store_failed_until >= made || client.slow_until >= made || waits;
                client.silent.extend(held);
                if error.code() != ErrorCode::StoreNotCleared || !why {
                    return broken(5, "logout failed", what());
                }
                return Ok(());
            }
            _ => {}
        }
        let call = &self.calls[&number];
        // What became of an order is told in any case. And what had come when the stay ended, in the same moment, may
        // be on its way to the caller.
        let told = act.is_order() || act == Act::Resolve || client.stays_since == now.elapsed;
        if act.is_as_user() && client.stay != call.stay && result.is_ok() && !told {
            return broken(2, "an answer of before a logout, or another's sign-in", what());
        }
        match result {
            Ok(Got::Of(Some(user))) if client.stay == call.stay && client.user() != Some(*user) => {
                return broken(2, "another user's answer", what());
            }
            Ok(Got::SignedIn { user, persisted }) => {
                if *persisted && matches!(&client.knows, Knows::In(live) if !live.persisted) {
                    return broken(7, "stored, it said", what());
                }
                let live = matches!(client.knows, Knows::In(_) | Knows::Expired { .. });
                if live && client.logouts == call.logouts && client.user() != Some(*user) {
                    return broken(2, "signed in as another", what());
                }
            }
            Err(error) if act.is_as_user() && client.stay == call.stay => {
                let (was_out, was_expired) = (
                    matches!(client.knows, Knows::Out(_)) || client.out_until >= call.made,
                    matches!(client.knows, Knows::Expired { .. }) || client.expired_until >= call.made,
                );
                match error.code() {
                    ErrorCode::NotSignedIn if !was_out => return broken(8, "not signed in, it said", what()),
                    ErrorCode::SessionExpired if !was_expired && act != Act::RequireValidity => {
                        return broken(4, "expired, it said", what());
                    }
                    ErrorCode::SignedOut => return broken(4, "signed out, it said", what()),
                    _ => {}
                }
            }
            _ => {}
        }
        Ok(())
    }
}
