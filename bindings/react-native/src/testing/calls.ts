/** How a call of a fake client is made: through the session and a line, and what the test does to it, to the shop. */
import type { CallOptions } from '../call';
import { abortReason, MarketError } from '../errors';
import type { Account } from './account';
import { failed, met } from './errors';
import { Line } from './line';
import type { FakeSession } from './session';
import type { FakeShop } from './shop';
import { type CallName, Steering } from './steering';
import type { MadeAs, Ticket } from './ticket';

/** How a call is made as the user who is signed in. */
type Way = CallOptions & {
  /** It waits its turn among the cart's calls. */
  readonly inLine?: boolean;
  /** Once on its way it runs to its end, though its caller has left. */
  readonly runsOn?: boolean;
  /** Whether an expiry may park it. */
  readonly parks?: boolean;
};

/** What it does. */
type Acts<T> = {
  /** What is known without asking the shop. */
  readonly known?: (account: Account) => T | undefined;
  /** What the shop does. */
  readonly act: (account: Account) => T;
  /** It was sent, and this came of it. */
  readonly ended?: (account: Account, error: MarketError | undefined) => void;
};

/** The shop's 401, which is no error of the app's. */
class Unauthorized extends Error {}

export class Calls {
  readonly steering = new Steering();
  private readonly line = new Line();
  private closed = false;

  constructor(
    private readonly shop: FakeShop,
    private readonly session: FakeSession,
  ) {}

  close(): void {
    this.closed = true;
    this.session.stop();
  }

  /** One of the user's. What `acts` throws was refused before it was sent. */
  asUser<T>(name: CallName, args: readonly unknown[], way: Way, acts: () => Acts<T>): Promise<T> {
    const { inLine = false, runsOn = false, parks = true } = way;
    return this.made(name, args, way, { as: 'user', runsOn, parks }, async (ticket) => {
      const what = acts();
      const turn = inLine ? this.line.join() : undefined;
      try {
        if (turn !== undefined) await this.session.inLine(ticket, turn.come);
        return await this.atTheDoor(name, ticket, what);
      } finally {
        turn?.leave();
      }
    });
  }

  asNobody<T>(name: CallName, args: readonly unknown[], options: CallOptions | undefined, act: () => () => T): Promise<T> {
    return this.made(name, args, options, { as: 'nobody', runsOn: false, parks: false }, async (ticket) =>
      this.sent(name, ticket, act()),
    );
  }

  private async atTheDoor<T>(name: CallName, ticket: Ticket, { known, act, ended }: Acts<T>): Promise<T> {
    for (;;) {
      const token = await this.session.permit(ticket);
      const { account } = token;
      const answer = known?.(account);
      if (answer !== undefined) return answer;
      try {
        const value = await this.sent(name, ticket, () => {
          if (!this.shop.accepts(token)) throw new Unauthorized();
          return act(account);
        });
        ended?.(account, undefined);
        return value;
      } catch (error) {
        const refused = error instanceof Unauthorized || (error as MarketError).code === 'sessionExpired';
        ended?.(account, refused ? failed('sessionExpired') : (error as MarketError));
        if (!refused) throw error;
        // Back to the door: it knows whether there is a newer session.
        this.session.rejected(token);
      }
    }
  }

  /** It is on its way. What the test does to it is done there. */
  async sent<T>(name: CallName, ticket: Ticket, act: () => T): Promise<T> {
    ticket.isSent = true;
    try {
      const fault = await this.steering.onTheWay(name, ticket);
      if (fault === undefined) return act();
      const { error, acted } = fault;
      if (acted) attempt(act);
      throw met(error, acted, name, ticket.madeAs);
    } finally {
      ticket.isSent = false;
    }
  }

  /** One that the client answers itself, whatever becomes of its way to the shop. */
  here<T>(name: CallName, args: readonly unknown[], options: CallOptions | undefined, act: (ticket: Ticket) => Promise<T>) {
    return this.made(name, args, options, { as: 'nobody', runsOn: true, parks: false }, (ticket) => {
      ticket.isSent = true;
      return act(ticket);
    });
  }

  async made<T>(
    name: CallName,
    args: readonly unknown[],
    { signal }: CallOptions = {},
    how: { readonly as: MadeAs; readonly runsOn: boolean; readonly parks: boolean },
    act: (ticket: Ticket) => Promise<T>,
  ): Promise<T> {
    if (signal?.aborted) throw abortReason(signal);
    if (this.closed) throw MarketError.config('The client was closed.');
    this.steering.calls.push({ name, arguments: args });
    const session = this.session;
    const ticket = session.ticket(how.as, how.parks);
    const answer = act(ticket).finally(() => session.done(ticket));
    if (signal === undefined) return answer;
    let leave: () => void = () => undefined;
    const left = new Promise<void>((resolve) => (leave = resolve)).then(() => {
      // What is on its way and runs to its end does so, though nobody hears what comes of it.
      if (!(how.runsOn && ticket.isSent)) session.done(ticket);
      throw abortReason(signal);
    });
    signal.addEventListener('abort', leave);
    try {
      return await Promise.race([answer, left]);
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }
}

/** Nobody is told what came of it. */
function attempt(act: () => unknown): void {
  try {
    act();
  } catch {
    // The shop declined.
  }
}
