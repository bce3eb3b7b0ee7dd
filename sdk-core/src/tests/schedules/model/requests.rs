//! What is sent, and what is answered: promises 1, 2, 4, 5, 6 and 11 as they show on the wire.

use std::time::Duration;

use serde_json::Value;

use super::super::client::{Knows, Live, Now};
use super::super::log::Answer;
use super::super::log::{CallId, ClientId, RequestId, Sent};
use super::super::wire::{hop, mark_of, on_the_wire, sent_on};
use super::super::{Broken, broken};
use super::{Fate, Model, Request};
use crate::model::EndReason;

impl Model {
    pub(super) fn sent(
        &mut self,
        now: Now,
        number: RequestId,
        at: ClientId,
        sent: &Sent,
    ) -> Result<(), Broken> {
        if self.clients[at].killed {
            return Ok(()); // It gets nowhere.
        }
        on_the_wire(sent)?;
        if let Some(hop) = hop(&sent.url) {
            let Some((before, status)) = self.hops.get(&hop) else {
                return broken(6, "sent on by nobody", format!("{sent:?}"));
            };
            sent_on(before, *status, sent)?;
        }
        let call = mark_of(sent).and_then(|mark| self.marks.get(&(at, mark)).copied());
        if let Some(token) = &sent.token {
            self.may_carry(now, at, sent, token)?;
        }
        if sent.url.path() == "/auth/verify-code" && matches!(self.clients[at].knows, Knows::Unread(_)) {
            return broken(8, "a code is spent though the store cannot be read", format!("client {at}"));
        }
        let mut tries = 0;
        if let Some(call) = call.and_then(|call| self.calls.get_mut(&call)) {
            let again = call.sent.iter().any(|fate| *fate != Fate::Nothing);
            if again && !call.act.is_idempotent() {
                return broken(6, "sent twice", format!("{:?}: {:?}", call.act, call.sent));
            }
            tries = call.sent.len();
            call.sent.push(Fate::UnderWay);
        }
        if let Some(number) = call.filter(|_| tries == 0) {
            self.in_turn(at, number)?;
        }
        let lane = call.filter(|call| tries == 0 && self.calls[call].act.is_in_lane());
        self.clients[at].cart.sent(sent, lane)?;
        if let Some(call) = call.filter(|call| self.calls[call].act.is_order()) {
            self.orders.sent(call, self.clients[at].user())?;
        }
        self.requests.insert(number, Request { client: at, sent: sent.clone(), call, at: tries });
        Ok(())
    }

    /// What was called while the session had expired goes on in the order of the calls. (Those on the cart stand in
    /// their own line, and an order has something to read first.)
    fn in_turn(&mut self, at: ClientId, number: CallId) -> Result<(), Broken> {
        let call = &self.calls[&number];
        if call.waits.is_none() || !call.act.is_as_user() || call.act.is_in_lane() || call.act.is_order() {
            return Ok(());
        }
        let (stay, newest) = self.clients[at].resumed;
        if call.stay == stay && number < newest {
            return broken(
                11,
                "one that waited goes on out of turn",
                format!("call {number} after {newest}"),
            );
        }
        self.clients[at].resumed = (call.stay, number);
        Ok(())
    }

    /// Whether a request of this client's may carry this token.
    fn may_carry(&self, now: Now, at: ClientId, sent: &Sent, token: &str) -> Result<(), Broken> {
        let client = &self.clients[at];
        let what = || format!("client {at}: {} {}, {:?}", sent.method, sent.url.path(), client.knows);
        let Some(stay) = client.held.get(token) else {
            return broken(2, "a token that it never had", what());
        };
        if client.silent.contains(token) {
            return broken(5, "sent after logout has returned", what());
        }
        let notice = sent.url.path() == "/auth/logout";
        if notice && !client.ended.contains(token) {
            return broken(4, "told of a logout that was none", what());
        }
        if !notice && *stay != client.stay {
            return broken(5, "sent after logout, or another's sign-in", what());
        }
        let live = matches!(&client.knows, Knows::In(live) if live.token == token);
        // A permit that was given out in the same moment is used; and it is for a whole attempt, wherever that is sent on to.
        if !live && !notice && hop(&sent.url).is_none() && client.ended_at != Some(now.elapsed) {
            return broken(2, "sent for a session that has ended", what());
        }
        Ok(())
    }

    /// A request is over.
    pub(super) fn settled(&mut self, number: RequestId, fate: Fate) -> Option<Request> {
        let request = self.requests.remove(&number)?;
        self.clients[request.client].cart.answered(&request.sent);
        if self.clients[request.client].killed {
            return None;
        }
        if let Some(call) = request.call.and_then(|call| self.calls.get_mut(&call)) {
            call.sent[request.at] = fate;
        }
        Some(request)
    }

    pub(super) fn answered(&mut self, now: Now, request: &Request, answer: &Answer) -> Result<(), Broken> {
        let Answer { status, body, location } = answer;
        let events = self.events;
        let client = &mut self.clients[request.client];
        client.late = false;
        let to = location.as_ref().and_then(|to| request.sent.url.join(to).ok());
        if let Some(hop) = to.as_ref().and_then(hop) {
            self.hops.insert(hop, (request.sent.clone(), *status));
        }
        if let (401, Some(token)) = (status, &request.sent.token) {
            if matches!(&client.knows, Knows::In(live) if live.token == *token) {
                return client.expire(now, EndReason::Rejected);
            }
            client.late = true;
        }
        if request.sent.url.path() != "/auth/verify-code" || *status != 200 {
            return Ok(());
        }
        let Ok(answer) = serde_json::from_slice::<Value>(body) else { return Ok(()) };
        let (Some(token), Some(user)) = (answer["access_token"].as_str(), answer["user"]["id"].as_u64())
        else {
            return Ok(());
        };
        self.issued.insert(token.to_owned(), now.elapsed);
        let call = request.call.and_then(|call| self.calls.get(&call));
        if call.is_none_or(|call| call.logouts != client.logouts) {
            return Ok(()); // A logout came between.
        }
        let lifetime = answer["expires_in"].as_u64().map(Duration::from_secs);
        client.sign_in(now, events, Live::new(now, token.to_owned(), user, lifetime, lifetime))
    }
}
