//! Plays a schedule on real clients.

mod acts;
mod panics;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use self::acts::{Left, act_on, polled};
use self::panics::Panics;
use super::super::shop::Shop;
use super::super::world::{Device, HANG, Lines, Store, World};
use super::ear;
use super::log::{CallId, ClientId, Event, Got, Log, Resolved, Witness};
use super::steps::{Act, Schedule, Setup, Step, User};
use super::wire::secrets;
use super::{Broken, broken as breaks};
use crate::session::ParkRule;
use crate::{Error, ErrorCode, MarketClient};

/// What it breaks.
pub(super) fn broken(schedule: &Schedule) -> Option<Broken> {
    play(schedule, false).0
}

/// The same, and what happened in it.
pub(super) fn traced(schedule: &Schedule) -> (Option<Broken>, Vec<String>) {
    play(schedule, true)
}

fn play(schedule: &Schedule, traced: bool) -> (Option<Broken>, Vec<String>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let panics = Panics::watch();
    let run = async {
        let mut play = Play::new(schedule.setup, traced);
        let played = play.all(&schedule.steps).await;
        if let Err(found) = played {
            play.log.ask(|_, _| Err(found));
        }
        play.log
    };
    let (log, heard) = ear::listening(|| runtime.block_on(run));
    drop(runtime);
    let panicked = panics.seen();
    let panic = panicked.and_then(|what| breaks(9, "a panic", what).err());
    let found = log.broken().or(panic).or(heard.err());
    (found, log.trace())
}

struct Play {
    log: Log,
    setup: Setup,
    shop: Shop,
    store: Store,
    clock: Arc<Device>,
    open: Vec<Open>,
    /// What the app has let go of, in which process: it may be at work still.
    closed: Vec<(ClientId, usize)>,
    /// The stores' threads of processes that are no more.
    killed: Vec<Lines>,
    /// The file that tells the app's installations apart.
    marker: Option<PathBuf>,
    calls: Vec<UnderWay>,
    made: CallId,
    clients: ClientId,
}

/// A client that the app uses.
struct Open {
    world: World,
    client: ClientId,
    lines: Lines,
    process: usize,
    observers: Vec<JoinHandle<()>>,
}

struct UnderWay {
    client: ClientId,
    task: JoinHandle<Option<Result<(), ErrorCode>>>,
}

impl Play {
    fn new(setup: Setup, traced: bool) -> Self {
        let marker = setup.marked.then(marker);
        let clock = Arc::new(marker.clone().map_or_else(Device::new, Device::with_marker));
        let shop = Shop::open();
        match setup.lifetime {
            Some(seconds) => shop.expires_in(seconds),
            None => shop.says_no_expiry(),
        }
        if !setup.dated {
            shop.says_no_date();
        }
        let log = Log::new(setup, clock.clone(), traced);
        let store = Store::default();
        let mut play = Self {
            log,
            setup,
            shop,
            store,
            clock,
            open: Vec::new(),
            closed: Vec::new(),
            killed: Vec::new(),
            marker,
            calls: Vec::new(),
            made: 0,
            clients: 0,
        };
        let lines = Lines::on(play.store.clone());
        let open = play.open(lines, 0);
        play.open.push(open);
        play
    }

    fn open(&mut self, lines: Lines, process: usize) -> Open {
        let client = self.clients;
        self.clients += 1;
        self.log.push(Event::Opened { client });
        self.clock.starts();
        let witness = Witness { log: self.log.clone(), client, store: self.store.clone() };
        let park = self
            .setup
            .parks
            .map(|(limit, patience)| ParkRule { limit, patience: Duration::from_secs(patience) });
        let (shop, store, clock) = (self.shop.clone(), self.store.clone(), self.clock.clone());
        let world = World::on(shop, store, clock, lines.clone(), park, Some(witness));
        let (soon, ends) = self.log.signals_of(client);
        world.market.core.keeper.tell_soon(soon);
        world.market.core.keeper.tell_ends(ends);
        let observers = if self.setup.observed { self.observers(&world.market, client) } else { Vec::new() };
        Open { world, client, lines, process, observers }
    }

    fn observers(&self, market: &MarketClient, client: ClientId) -> Vec<JoinHandle<()>> {
        let (mut states, mut carts) = (market.session().subscribe(), market.cart().subscribe());
        let log = self.log.clone();
        let states = tokio::spawn(async move {
            while let Some(state) = states.next().await {
                log.push(Event::ShownState { client, state });
            }
        });
        let log = self.log.clone();
        let carts = tokio::spawn(async move {
            while let Some(cart) = carts.next().await {
                log.push(Event::ShownCart { client, cart });
            }
        });
        vec![states, carts]
    }

    async fn all(&mut self, steps: &[Step]) -> Result<(), Broken> {
        for step in steps {
            self.log.note(|| format!("--- {step:?}"));
            self.step(step).await;
            self.look()?;
        }
        self.log.note(|| "--- all is mended, and comes to rest".to_owned());
        self.rest().await
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Call { on, act, polls } => {
                let at = usize::from(*on) % self.open.len();
                self.call(at, *act, polls.map(usize::from));
            }
            Step::Leave { call } => {
                self.calls.retain(|call| !call.task.is_finished());
                if !self.calls.is_empty() {
                    let at = usize::from(*call) % self.calls.len();
                    self.calls.remove(at).task.abort();
                    tokio::task::yield_now().await;
                }
            }
            Step::Turns(turns) => turn(*turns).await,
            Step::Wait(time) if time.is_zero() => turn(60).await,
            Step::Wait(time) => tokio::time::sleep(*time).await,
            Step::Forget => self.shop.expire_tokens(),
            Step::Mishap { at, mishap } => match at.path() {
                Some(path) => self.shop.mishap(path, mishap.clone()),
                None => self.shop.next_mishap(mishap.clone()),
            },
            Step::Outage(mishap) => self.shop.fails(mishap.clone()),
            Step::StoreReads(answer) => {
                self.log.push(Event::StoreFails(true));
                self.store.reads(Some(answer.clone()));
            }
            Step::StoreRefuses { writes, erases, half } => {
                self.log.push(Event::StoreFails(true));
                self.store.writes(writes.clone());
                self.store.deletes(erases.clone());
                self.store.fails_by_half(*half);
            }
            Step::StoreHangs => {
                self.log.push(Event::StoreFails(true));
                self.store.hangs(true);
            }
            Step::StoreSlow(time) => self.store.next_takes(*time),
            Step::StorePanics => {
                self.log.push(Event::StoreFails(true));
                self.store.panics(true);
            }
            Step::StoreFine => self.mend_store(),
            Step::Damage => {
                self.log.push(Event::Tampered);
                self.store.put(b"{\"version\":1,");
            }
            Step::ClockForward(by) => {
                self.log.push(Event::ClockSet);
                self.clock.set_forward(*by);
            }
            Step::ClockBack(by) => {
                self.log.push(Event::ClockSet);
                self.clock.set_back(*by);
            }
            Step::Sleep(time) => self.clock.sleep(*time),
            Step::Resumed { on } => {
                let at = usize::from(*on) % self.open.len();
                self.resumed(at);
            }
            Step::Beside { other_process } => self.beside(*other_process),
            Step::Reopen { on } => {
                let at = usize::from(*on) % self.open.len();
                let old = self.open.remove(at);
                self.close(&old, false);
                let Open { lines, process, client, .. } = old;
                self.closed.push((client, process));
                let open = self.open(lines, process);
                self.open.insert(at, open);
            }
            Step::Kill { on, lands } => {
                let at = usize::from(*on) % self.open.len();
                self.kill(self.open[at].process, *lands);
                self.start();
            }
            Step::Reinstall => {
                while let Some(open) = self.open.first() {
                    self.kill(open.process, false);
                }
                for lines in &self.killed {
                    lines.kill(false);
                }
                if let Some(marker) = &self.marker {
                    let _ = std::fs::remove_file(marker); // No client has asked for it yet.
                }
                self.log.push(Event::Reinstalled);
                self.start();
            }
        }
    }

    fn kill(&mut self, process: usize, lands: bool) {
        for (client, _) in self.closed.extract_if(.., |(_, of)| *of == process) {
            self.log.push(Event::Gone { client, killed: true });
        }
        let (killed, left) =
            std::mem::take(&mut self.open).into_iter().partition(|open| open.process == process);
        self.open = left;
        let killed: Vec<Open> = killed;
        for old in &killed {
            old.lines.kill(lands);
            self.close(old, true);
            self.killed.push(old.lines.clone());
        }
    }

    /// Another process.
    fn start(&mut self) {
        let open = self.open(Lines::on(self.store.clone()), self.clients);
        self.open.insert(0, open);
    }

    fn beside(&mut self, other_process: bool) {
        if self.open.len() > 1 {
            return;
        }
        let (lines, process) = match other_process {
            true => (Lines::on(self.store.clone()), self.clients),
            false => (self.open[0].lines.clone(), self.open[0].process),
        };
        let open = self.open(lines, process);
        self.open.push(open);
    }

    fn close(&mut self, old: &Open, killed: bool) {
        self.log.push(Event::Gone { client: old.client, killed });
        for observer in &old.observers {
            observer.abort();
        }
        for call in self.calls.extract_if(.., |call| call.client == old.client) {
            call.task.abort();
        }
    }

    fn mend_store(&mut self) {
        self.store.reads(None);
        self.store.writes(None);
        self.store.deletes(None);
        self.store.fails_by_half(false);
        self.store.hangs(false);
        self.store.panics(false);
        self.log.push(Event::StoreFails(false));
    }

    fn resumed(&mut self, at: usize) {
        let Open { world, client, .. } = &self.open[at];
        world.market.session().resumed();
        self.log.push(Event::Resumed { client: *client });
    }

    /// Makes a call, which is dropped after `polls`, if it is not over before.
    fn call(&mut self, at: usize, act: Act, polls: Option<usize>) -> CallId {
        let Open { world, client, .. } = &self.open[at];
        let (client, market) = (*client, world.market.clone());
        self.made += 1;
        let number = self.made;
        let wish = self.log.with(|model| match act {
            Act::Order { forced, .. } => Some(model.orders.wish(model.clients[client].user(), forced)),
            Act::OrderAgain { .. } => {
                let user = model.clients[client].user();
                Some(model.orders.again(user).unwrap_or_else(|| model.orders.wish(user, false)))
            }
            _ => None,
        });
        let address = wish.map_or(0, |wish| self.log.with(|model| model.orders.address_of(wish)));
        let call = act_on(market, act, number, (wish, address));
        let (log, shop, store) = (self.log.clone(), self.shop.clone(), self.store.clone());
        let task = tokio::spawn(async move {
            if polls == Some(0) {
                return None;
            }
            log.push(Event::Made { call: number, client, act, wish });
            let mut open = Left { log: log.clone(), call: Some(number) };
            let result = polled(call, polls.unwrap_or(usize::MAX)).await?;
            open.call = None;
            let placed = match &result {
                Ok(Got::Order(order)) => Some(*order),
                Ok(Got::Resolved(Resolved::Placed(order))) => Some(*order),
                _ => None,
            };
            let ok = result.as_ref().map(|_| ()).map_err(Error::code);
            log.push(Event::Returned { call: number, result });
            if let Some(order) = placed {
                log.ask(|model, _| model.placed(number, &shop.notes_of(order)));
            }
            if matches!(act, Act::Logout | Act::Clear) && ok.is_ok() {
                log.ask(|model, _| model.after_logout(number, store.stored_at("session").as_deref()));
            }
            Some(ok)
        });
        self.calls.push(UnderWay { client, task });
        number
    }

    /// All that can be seen from outside now.
    fn look(&self) -> Result<(), Broken> {
        for Open { world, client, .. } in &self.open {
            let state = world.state();
            self.log.ask(|model, now| {
                secrets(&format!("{state:?}"))?;
                model.shown(now, *client, &state)
            });
        }
        self.log.ask(|model, _| model.orders.are_right(|notes| self.shop.placed_with(notes)));
        self.log.broken().map_or(Ok(()), Err)
    }

    /// Mends all that fails, and sees whether all comes to rest and the next calls work.
    async fn rest(&mut self) -> Result<(), Broken> {
        self.mend_store();
        self.store.next_takes(Duration::ZERO);
        self.shop.fails(None);
        self.shop.no_mishaps();
        let patience = self.setup.parks.map_or(0, |(_, patience)| patience);
        tokio::time::sleep(Duration::from_secs(patience) + 10 * HANG).await;
        self.look()?;
        for at in 0..self.open.len() {
            self.resumed(at);
        }
        tokio::time::sleep(3 * HANG).await;
        self.look()?;
        self.log.ask(|model, _| model.at_rest(self.store.stored_at("session").as_deref()));
        for Open { world, client, .. } in &self.open {
            let keeper = &world.market.core.keeper;
            if (keeper.permits_out(), keeper.listed()) != (0, 0) {
                let what =
                    format!("client {client}: {} permits, {} listed", keeper.permits_out(), keeper.listed());
                return breaks(7, "something is held on to", what);
            }
        }
        for at in 0..self.open.len() {
            for act in [Act::SignIn(User::Ann), Act::CartAdd, Act::CartGet, Act::Profile, Act::Logout] {
                self.works(at, act).await?;
            }
        }
        // What was said not to be placed may not come later either.
        tokio::time::sleep(Duration::from_secs(15 * 60)).await;
        self.look()
    }

    async fn works(&mut self, at: usize, act: Act) -> Result<(), Broken> {
        let number = self.call(at, act, None);
        let Some(UnderWay { task, .. }) = self.calls.pop() else { return Ok(()) };
        let given = task.await;
        self.look()?;
        match given {
            Ok(Some(Ok(()))) => Ok(()),
            other => breaks(7, "the next call does not work", format!("call {number}, {act:?}: {other:?}")),
        }
    }
}

/// Of this thread, which plays one schedule after the other.
fn marker() -> PathBuf {
    thread_local! {
        static FOLDER: tempfile::TempDir = tempfile::tempdir().unwrap();
    }
    let file = FOLDER.with(|folder| folder.path().join("app.install"));
    let _ = std::fs::remove_file(&file); // The first schedule finds none.
    file
}

async fn turn(turns: u8) {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
}
