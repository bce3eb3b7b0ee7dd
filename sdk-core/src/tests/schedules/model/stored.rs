//! What is stored, and by whom.

use super::super::client::{Knows, Now, Record};
use super::super::log::{CallId, ClientId};
use super::super::{Broken, broken};
use super::{ENTRY, Model};
use crate::store::StoreRead;

impl Model {
    /// A client looks at what is stored of the session.
    pub(super) fn read(&mut self, now: Now, at: ClientId, found: &StoreRead) {
        let client = &mut self.clients[at];
        if self.setup.marked && !matches!(found, StoreRead::Locked | StoreRead::Unavailable(_)) {
            let (of, asked) = self.installed;
            client.installed.get_or_insert((of, !asked));
            self.installed.1 = true;
        }
        let record = if let StoreRead::Found(bytes) = found { Record::of(bytes) } else { None };
        let left_behind = client.installed.is_some_and(|(own, is_new)| match record {
            Some(record) => self.stored_by.get(&record.token).is_some_and(|of| *of != own),
            None => is_new,
        });
        client.look(now, self.events, found, left_behind);
    }

    pub(super) fn changed(
        &mut self,
        at: ClientId,
        key: &str,
        before: Option<&str>,
        after: Option<&str>,
        told: bool,
    ) -> Result<(), Broken> {
        let lied = !matches!(self.clients[at].read, Some(StoreRead::Found(_) | StoreRead::Missing));
        if key != ENTRY {
            self.orders.changed(at, self.events, key, after.is_some(), lied);
            return Ok(());
        }
        let token = |text: Option<&str>| Some(Record::of(text?.as_bytes())?.token);
        let (was, is) = (token(before), token(after));
        if let Some(token) = &is {
            if let Some((own, _)) = self.clients[at].installed.filter(|_| was != is) {
                self.stored_by.insert(token.clone(), own);
            }
            if self.buried.contains(token) && was != is {
                return broken(5, "stored after logout has returned", format!("client {at}: {token}"));
            }
            if told
                && let Knows::In(live) = &mut self.clients[at].knows
                && live.token == *token
            {
                live.persisted = true;
            }
        }
        let Some(was) = was.filter(|was| is.as_ref() != Some(was)) else { return Ok(()) };
        let client = &self.clients[at];
        let own = client.ended.contains(&was);
        // By the device's time, so not if that jumped.
        let newer = |is: &String| self.issued.get(is) >= self.issued.get(&was) || self.clock_was_set;
        let older = is.as_ref().is_some_and(newer);
        let left_behind =
            client.installed.is_some_and(|(own, _)| self.stored_by.get(&was).is_some_and(|of| *of != own));
        if own || left_behind || older || lied || (is.is_none() && client.left_unread) {
            return Ok(());
        }
        broken(2, "took another's session from the store", format!("client {at}: {was}, for {is:?}"))
    }

    /// A logout has said that all is gone.
    pub(super) fn buried(&mut self, at: ClientId, number: CallId) -> Result<(), Broken> {
        let held = self.calls[&number].held.clone();
        self.clients[at].silent.extend(held.iter().cloned());
        self.buried.extend(held);
        Ok(())
    }

    /// What is stored, after `number` has logged out and said so.
    pub(in super::super) fn after_logout(&self, number: CallId, stored: Option<&[u8]>) -> Result<(), Broken> {
        let Some(call) = self.calls.get(&number) else { return Ok(()) };
        let Some(record) = stored.and_then(Record::of) else { return Ok(()) };
        if call.held.contains(&record.token) {
            return broken(5, "logout has said that it is erased", record.token);
        }
        Ok(())
    }

    /// At rest, with all that failed mended: memory and store agree.
    pub(in super::super) fn at_rest(&self, stored: Option<&[u8]>) -> Result<(), Broken> {
        if let Some((number, call)) =
            self.calls.iter().find(|(_, call)| !call.over && !self.clients[call.client].gone)
        {
            return broken(9, "a call that never ends", format!("call {number}: {:?}", call.act));
        }
        let record = stored.and_then(Record::of);
        if stored.is_some() && record.is_none() && !self.tampered {
            return broken(7, "what is stored is damaged", String::new());
        }
        if let Some(record) = &record
            && self.stored_by.get(&record.token).is_some_and(|of| *of != self.installed.0)
        {
            return broken(5, "what an earlier installation has stored is still there", record.token.clone());
        }
        for (at, client) in self.clients.iter().enumerate().filter(|(_, client)| !client.gone) {
            if matches!(client.knows, Knows::Unread(_)) {
                return broken(8, "a store that can be read was not", format!("client {at}"));
            }
            if let Some(record) = &record
                && client.ended.contains(&record.token)
            {
                return broken(7, "what has ended is still stored", format!("client {at}: {}", record.token));
            }
        }
        Ok(())
    }
}
