/** The session of a fake client: its state, its end, and the calls that wait for it. */
import type { EndReason, ExpiringSoon, ParkOnExpiry, SessionEnd, SessionState, SignedOutReason, User } from '../generated/jsi/market_sdk_ffi';
import { same } from '../same';
import type { Clock } from './clock';
import { failed } from './errors';
import { signInOf, type Token } from './shop';
import { type MadeAs, Ticket } from './ticket';
import { Told } from './told';

const SOON = 5 * 60_000;

/** How a client was built, as far as it matters to the session. */
export type SessionRules = {
  readonly parkOnExpiry?: ParkOnExpiry | undefined;
  readonly expiringSoon?: number | undefined;
};

export class FakeSession {
  readonly states = new Told<SessionState>();
  readonly ends = new Told<SessionEnd>();
  private readonly soon = new Told<ExpiringSoon>();
  private current: SessionState = { status: 'signedOut', reason: 'noSession' };
  /** Grows when what was begun as one user is none of the next one's. */
  lineage = 0;
  private token: Token | undefined;
  private expiresAt = Number.POSITIVE_INFINITY;
  private saidSoon = false;
  /** Calls that wait because a test says so. */
  private shownToWait = 0;
  private timers: ReturnType<typeof setTimeout>[] = [];
  private readonly follows: () => void;
  /** All calls under way, in the order in which they were made. */
  private readonly tickets = new Set<Ticket>();

  constructor(
    private readonly rules: SessionRules,
    private readonly clock: Clock,
    /** Told when the lineage grows. */
    private readonly forget: () => void,
  ) {
    this.follows = clock.follow(() => {
      this.resumed();
      this.watch(this.expiresAt);
    });
  }

  get state(): SessionState {
    return this.current;
  }

  /** How many calls are. */
  get underWay(): number {
    return this.tickets.size;
  }

  // Transitions

  signIn(token: Token): SessionState {
    const { user, expiresAt } = signInOf(token);
    const { state } = this;
    const known = 'user' in state ? state.user : undefined;
    if (state.status === 'signedIn') this.ends.tell({ user: state.user, reason: 'replaced' });
    this.become({ status: 'signedIn', user, expiresAt, persisted: true }, token, same(known, user));
    return this.state;
  }

  /** Gives the session that there was; nothing happens if there was none. */
  end(reason: EndReason, waiting = 0): Token | undefined {
    const { state, token } = this;
    if (state.status !== 'signedIn') return undefined;
    this.ends.tell({ user: state.user, reason });
    this.become({ status: 'expired', user: state.user, reason, waiting }, undefined, true);
    return token;
  }

  /** The shop has refused it. */
  rejected(token: Token): void {
    if (token === this.token) this.end('rejected');
  }

  /** Gives the session that there was. */
  logOut(reason: SignedOutReason & EndReason): Token | undefined {
    const { token } = this;
    if (this.state.status === 'signedIn') this.ends.tell({ user: this.state.user, reason });
    for (const ticket of this.tickets) if (ticket.madeAs === 'signIn') ticket.end(failed('signedOut'));
    this.become({ status: 'signedOut', reason }, undefined, false);
    return token;
  }

  /** What a test wants to see, whatever was before. */
  show(state: SessionState, token: Token | undefined): void {
    const user = (of: SessionState): User | undefined => ('user' in of ? of.user : undefined);
    const unknown = (of: SessionState): boolean => of.status === 'restoring' || of.status === 'locked';
    const goesOn = unknown(state) || unknown(this.state) || same(user(state), user(this.state));
    this.become(state, token, goesOn);
  }

  /** So that it ends in so many milliseconds. Listeners are told. */
  lasts(left: number): void {
    if (this.state.status !== 'signedIn') return;
    this.current = { ...this.state, expiresAt: new Date(Date.now() + left) };
    this.states.tell(this.current);
    this.watch(this.clock.now() + left);
    this.saySoon();
  }

  private become(state: SessionState, token: Token | undefined, goesOn: boolean): void {
    this.current = state;
    this.token = token;
    this.saidSoon = false;
    this.shownToWait = state.status === 'expired' ? state.waiting : 0;
    this.watch(token?.expiresAt ?? Number.POSITIVE_INFINITY);
    if (!goesOn) {
      this.lineage += 1;
      for (const ticket of this.tickets) if (ticket.madeAs === 'user') ticket.end(failed('signedOut'));
      this.forget();
    }
    this.sort();
    this.states.tell(this.state);
    // In their order, and each takes its way before the next is woken.
    for (const ticket of this.tickets) ticket.wake();
  }

  // Its end

  /** Looks at the clock, which may have been moved on while nobody looked. */
  resumed(): void {
    if (this.left() <= 0) this.end('expired');
    else if (this.left() <= this.margin()) this.saySoon();
  }

  /** How long it lasts from now. */
  left(): number {
    return this.expiresAt - this.clock.now();
  }

  onSoon(tell: (soon: ExpiringSoon) => void): { cancel(): void } {
    if (!this.saidSoon || this.state.status !== 'signedIn') return this.soon.add(tell);
    const { user } = this.state;
    const late = new Told<ExpiringSoon>();
    const first = late.add(tell);
    late.tell({ user, left: this.left() });
    const rest = this.soon.add(tell);
    return {
      cancel: () => {
        first.cancel();
        rest.cancel();
      },
    };
  }

  private saySoon(): void {
    if (this.saidSoon || this.state.status !== 'signedIn') return;
    this.saidSoon = true;
    this.soon.tell({ user: this.state.user, left: this.left() });
  }

  /** Never in the first half of its life. */
  private margin(): number {
    const lifetime = (this.token?.expiresAt ?? 0) - (this.token?.since ?? 0);
    return Math.min(this.rules.expiringSoon ?? SOON, lifetime / 2);
  }

  private watch(expiresAt: number): void {
    this.stopTimers();
    this.expiresAt = expiresAt;
    if (!Number.isFinite(expiresAt)) return;
    const at = (time: number) => after(time - this.clock.now(), () => this.resumed());
    this.timers = [at(expiresAt)];
    if (!this.saidSoon) this.timers.push(at(expiresAt - this.margin()));
  }

  /** No timer of it goes off any more. */
  stop(): void {
    this.follows();
    this.stopTimers();
  }

  private stopTimers(): void {
    for (const timer of this.timers) clearTimeout(timer);
  }

  // Calls

  /** Notes that the app makes a call now. */
  ticket(madeAs: MadeAs, parks: boolean): Ticket {
    this.resumed();
    const ticket = new Ticket(madeAs, parks);
    this.tickets.add(ticket);
    return ticket;
  }

  done(ticket: Ticket): void {
    this.tickets.delete(ticket);
    ticket.end(failed('cancelled'));
    this.sort();
  }

  /** It stands in a line, where an expiry parks it. */
  async inLine(ticket: Ticket, turn: Promise<void>): Promise<void> {
    if (this.rules.parkOnExpiry !== undefined) this.stand(ticket);
    await Promise.race([turn, ticket.over]);
    ticket.check();
  }

  /** Waits until somebody is signed in, as long as that is not known. */
  async permit(ticket: Ticket): Promise<Token> {
    for (;;) {
      ticket.check();
      const { state, token } = this;
      if (state.status === 'signedIn' && token !== undefined) {
        ticket.stands = 'not';
        return token;
      }
      if (state.status === 'signedOut') throw failed('notSignedIn');
      if (state.status === 'locked' && state.reason === 'unavailable') throw failed('storeUnavailable');
      if (state.status === 'expired') this.stand(ticket);
      await ticket.woken();
    }
  }

  /** Waits until it is known whether somebody is signed in. */
  async known(ticket: Ticket): Promise<SessionState> {
    while (this.state.status === 'restoring') await ticket.woken();
    if (this.state.status === 'locked') throw failed(this.state.reason === 'unavailable' ? 'storeUnavailable' : 'storeLocked');
    return this.state;
  }

  private stand(ticket: Ticket): void {
    if (ticket.stands === 'not') ticket.stands = 'waiting';
    this.sort();
    ticket.check();
  }

  /** What becomes of those who stand. The first have the room. */
  private sort(): void {
    const rule = this.rules.parkOnExpiry;
    const { status } = this.state;
    for (const ticket of this.tickets) {
      if (ticket.stands === 'parked' && status === 'signedIn') {
        ticket.stands = 'waiting';
        clearTimeout(ticket.patience);
      } else if (ticket.stands === 'waiting' && status === 'expired') {
        const room = rule !== undefined && ticket.parks && this.parked() < rule.limit;
        if (room) this.park(ticket, rule.patience);
        else ticket.end(failed('sessionExpired'));
      }
    }
    const waiting = this.shownToWait + this.parked();
    if (this.state.status !== 'expired' || this.state.waiting === waiting) return;
    this.current = { ...this.state, waiting };
    this.states.tell(this.current);
  }

  private park(ticket: Ticket, patience: number): void {
    ticket.stands = 'parked';
    ticket.patience = after(patience, () => {
      ticket.end(failed('sessionExpired'));
      this.sort();
    });
  }

  private parked(): number {
    return [...this.tickets].filter(({ stands }) => stands === 'parked').length;
  }
}

/** A timer that keeps no process alive. */
function after(milliseconds: number, act: () => void): ReturnType<typeof setTimeout> {
  const timer = setTimeout(act, Math.max(milliseconds, 0));
  // Elsewhere than on Node it is a number.
  if (typeof timer === 'object') timer.unref();
  return timer;
}
