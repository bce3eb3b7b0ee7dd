import type { CallOptions } from './call';
import { type Session, stillWhose } from './client';
import { isMarketError, type MarketError } from './errors';
import { same } from './same';

/** What a component sees of something that the server keeps for the user who is signed in. */
export type View<T> =
  | { readonly status: 'loading'; readonly data: undefined; readonly error?: MarketError; readonly busy: boolean }
  | { readonly status: 'ready'; readonly data: T; readonly error?: MarketError; readonly busy: boolean };

type Reading<T> = {
  readonly abort: AbortController;
  readonly done: Promise<T | undefined>;
  /** Its answer takes away the errors of the changes up to this one. */
  clears: number;
};
type Read<T> = (options: CallOptions) => Promise<T>;
type Feed<T> = (tell: (data: T | undefined) => void) => () => void;

/** A session's end is for the session's state to show, and a call that was given up has nobody to tell. */
const SILENT = new Set(['notSignedIn', 'sessionExpired', 'signedOut', 'cancelled']);

/**
 * Something of the user who is signed in, for all components that show it. It is read when one comes and after each
 * sign-in; its reading ends when the last one goes; and what it shows is never another user's, not even for a moment:
 * whose it is, is looked at whenever it is shown. After the end of a session it stays, for the same user to come back to.
 *
 * Every call is made at once: the core orders those of the cart and of an order, counts those that wait for a session, and
 * tells two orders apart, which it can only do with calls that it has. What is ordered here is what is shown.
 */
export class Resource<T> {
  private whose: string | undefined;
  /** Whether they are signed in. */
  private isLive = false;
  /** It is to be read: they have signed in since, or it is not known what changes that were made at one time have left. */
  private isDue = false;
  private view: View<T> = { status: 'loading', data: undefined, busy: false };
  private readonly listeners = new Set<() => void>();
  private stop: (() => void) | undefined;
  private reading: Reading<T> | undefined;
  /** Numbers the changes as they are tapped, and what the feed tells. A read has the number of the last one before it. */
  private made = 0;
  /** What has brought what is shown: the answer to an earlier call comes too late. */
  private shown = 0;
  /** The change that ended with the error: it goes with a later success. None if it was a read. */
  private failed = 0;
  /** How many changes are under way. */
  private writes = 0;
  /** Counts writes, begun and done: a read that one overlaps shows what was before it. */
  private changes = 0;
  /** Whether the feed is this user's: until a call of theirs is answered, it may bring one last word of another's. */
  private feeds = false;
  /** What it has told until then. */
  private untrusted: T | undefined;

  constructor(
    private readonly session: Session,
    private readonly read: Read<T>,
    private readonly feed?: Feed<T>,
  ) {}

  /** For `useSyncExternalStore`. */
  readonly snapshot = (): View<T> => {
    this.attend();
    return this.view;
  };

  /** For `useSyncExternalStore`: a component has come, and goes when it calls what this returns. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    if (this.stop === undefined) {
      const state = this.session.subscribe(() => this.turned());
      const feed = this.feed?.((data) => this.fed(data));
      this.stop = () => {
        state();
        feed?.();
      };
    }
    void this.refresh();
    return () => {
      if (!this.listeners.delete(listener) || this.listeners.size > 0) return;
      this.stop?.();
      this.stop = undefined;
      this.reading?.abort.abort();
      this.reading = undefined;
    };
  };

  /** Whether a component shows it. */
  get isShown(): boolean {
    return this.listeners.size > 0;
  }

  /** Reads it, or waits for the reading that is under way. What fails is in the view's `error`. */
  readonly refresh = (): Promise<T | undefined> => this.look(this.made);

  /** Something else has changed it. */
  changed(): void {
    this.changes += 1;
    if (this.isShown) void this.look();
  }

  /** Makes a change that is answered with the whole. */
  readonly write = (call: () => Promise<T>): Promise<T | undefined> => {
    // The core makes a wishlist's changes side by side, as they are tapped. The server decides which comes first, and no
    // answer says so: with the last of them it is read again, so that what is shown in the end is what they have left.
    if (this.writes > 0 && this.feed === undefined) this.isDue = true;
    return this.act(call, (data, made) => this.arrived(data, made));
  };

  /** Makes a change that is answered with something else. */
  readonly act = async <R>(call: () => Promise<R>, then: (answer: R, made: number) => void): Promise<R | undefined> => {
    this.attend();
    const { whose } = this;
    const made = ++this.made;
    this.writes += 1;
    this.changes += 1;
    this.show({ busy: true });
    const answer = await this.answer(whose, made, call);
    this.writes -= 1;
    this.changes += 1;
    if (answer !== undefined && whose === this.whose) {
      // An order that was under way is so no longer, whatever was tapped meanwhile.
      this.succeeded(this.view.error?.code === 'orderPending' ? this.made : made);
      then(answer, made);
    }
    this.settle();
    return answer;
  };

  private look(clears = 0): Promise<T | undefined> {
    this.attend();
    // After an expiry it would wait with the taps.
    if (!this.isLive) return Promise.resolve(undefined);
    if (this.reading !== undefined) {
      this.reading.clears = Math.max(this.reading.clears, clears);
      return this.reading.done;
    }
    const abort = new AbortController();
    const { whose, changes, made } = this;
    const done = this.answer(whose, 0, () => this.read({ signal: abort.signal })).then((data) => {
      const { reading } = this;
      if (reading?.abort !== abort) return data;
      this.reading = undefined;
      // What was written meanwhile may not be in it.
      const isOld = changes !== this.changes && this.feed === undefined;
      if (isOld && this.writes === 0) return this.look(reading.clears);
      if (isOld) this.isDue = true;
      else if (data !== undefined && whose === this.whose) {
        this.succeeded(reading.clears);
        this.arrived(data, made);
      }
      this.settle();
      return data;
    });
    this.reading = { abort, done, clears };
    if (this.writes === 0 || this.feed !== undefined) this.isDue = false;
    this.show({ busy: true });
    return done;
  }

  /** Ends with the answer, or with nothing when the call failed or the answer is no longer this user's. */
  private async answer<R>(whose: string | undefined, made: number, call: () => Promise<R>): Promise<R | undefined> {
    try {
      const answer = await call();
      this.attend();
      return whose === this.whose ? answer : undefined;
    } catch (error) {
      this.attend();
      if (isMarketError(error) && whose === this.whose && !SILENT.has(error.code)) {
        this.failed = made;
        this.show({ error });
      }
      return undefined;
    }
  }

  private succeeded(made: number): void {
    if (made >= this.failed) this.show({ error: undefined });
  }

  /** A call has ended, and what became of it is shown. */
  private settle(): void {
    if (this.isDue && this.writes === 0 && this.isShown) void this.look();
    this.show({});
  }

  private arrived(data: T, made: number): void {
    // It may have told already of what came after this.
    if (!this.feeds && this.untrusted !== undefined && !same(this.untrusted, data)) this.isDue = true;
    this.feeds = true;
    this.untrusted = undefined;
    if (made < this.shown) return;
    this.shown = made;
    this.show({ status: 'ready', data });
  }

  private fed(data: T | undefined): void {
    this.attend();
    // What it tells last is how things are, also when the answers to calls that were made before are still on their way.
    if (data === undefined) return;
    if (this.feeds) this.arrived(data, ++this.made);
    else this.untrusted = data;
  }

  /** Looks at whose it is. */
  private attend(): void {
    const { state } = this.session;
    const now = stillWhose(state);
    const isLive = state.status === 'signedIn';
    if (now === this.whose && isLive === this.isLive) return;
    this.reading?.abort.abort();
    this.reading = undefined;
    this.isLive = this.isDue = isLive;
    if (now === this.whose) {
      this.view = { ...this.view, busy: this.writes > 0 };
      return;
    }
    this.whose = now;
    this.feeds = false;
    this.untrusted = undefined;
    this.view = { status: 'loading', data: undefined, busy: false };
  }

  private turned(): void {
    this.attend();
    this.tell();
    if (this.isDue || (this.isLive && this.view.status === 'loading')) void this.refresh();
  }

  private show(change: Partial<View<T>>): void {
    const next = { ...this.view, ...change, busy: this.reading !== undefined || this.writes > 0 } as View<T>;
    if (same(next, this.view)) return;
    this.view = next;
    this.tell();
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}
