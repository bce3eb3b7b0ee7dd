import type { CallOptions } from './call';
import { type Session, stillWhose } from './client';
import { isMarketError, type MarketError } from './errors';
import { same } from './same';

/** What a component sees of something that the server keeps for the user who is signed in. */
export type View<T> =
  | { readonly status: 'loading'; readonly data: undefined; readonly error?: MarketError; readonly busy: boolean }
  | { readonly status: 'ready'; readonly data: T; readonly error?: MarketError; readonly busy: boolean };

type Read<T> = (options: CallOptions) => Promise<T>;
type Feed<T> = (tell: (data: T | undefined) => void) => () => void;

/** A session's end is for the session's state to show, and a call that was given up has nobody to tell. */
const SILENT = new Set(['notSignedIn', 'sessionExpired', 'signedOut', 'cancelled']);

/**
 * Something of the user who is signed in, for all components that show it. It is read when one comes and after each
 * sign-in; its reading ends when the last one goes; and what it shows is never another user's, not even for a moment:
 * whose it is, is looked at whenever it is shown. After the end of a session it stays, for the same user to come back to.
 */
export class Resource<T> {
  private whose: string | undefined;
  /** Whether they are signed in. */
  private isLive = false;
  /** It has not been read since they have signed in. */
  private isDue = false;
  private view: View<T> = { status: 'loading', data: undefined, busy: false };
  private readonly listeners = new Set<() => void>();
  private stop: (() => void) | undefined;
  private reading: { readonly abort: AbortController; readonly done: Promise<T | undefined> } | undefined;
  /** A write and those that wait for it: answers in the order of the calls. */
  private writing: Promise<unknown> = Promise.resolve();
  private writes = 0;
  /** Counts writes, begun and done: a read that one overlaps shows what was before it. */
  private changes = 0;
  /** Whether the feed is this user's: until a call of theirs is answered, it may bring one last word of another's. */
  private feeds = false;

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
  readonly refresh = (): Promise<T | undefined> => {
    this.attend();
    // After an expiry it would wait with the taps.
    if (!this.isLive) return Promise.resolve(undefined);
    if (this.reading !== undefined) return this.reading.done;
    const abort = new AbortController();
    const { whose, changes } = this;
    const done = this.answer(whose, () => this.read({ signal: abort.signal })).then((data) => {
      if (this.reading?.abort !== abort) return data;
      this.reading = undefined;
      // What was written meanwhile may not be in it.
      if (changes !== this.changes && this.feed === undefined) return this.writes > 0 ? data : this.refresh();
      if (data !== undefined && whose === this.whose) this.arrived(data);
      else this.show({});
      return data;
    });
    this.reading = { abort, done };
    this.isDue = false;
    this.show({ busy: true });
    return done;
  };

  /** Makes a change that is answered with the whole. */
  readonly write = (call: () => Promise<T>): Promise<T | undefined> => this.act(call, (data) => this.arrived(data));

  /** Makes a change that is answered with something else. */
  readonly act = <R>(call: () => Promise<R>, then: (answer: R) => void): Promise<R | undefined> => {
    this.attend();
    const { whose } = this;
    this.writes += 1;
    this.changes += 1;
    this.show({ busy: true });
    // One that waited while another user signed in is not made: it would be made as theirs.
    const made = (): Promise<R | undefined> => {
      this.attend();
      return whose === this.whose ? this.answer(whose, call) : Promise.resolve(undefined);
    };
    const done = this.writing.then(made).then((answer) => {
      this.writes -= 1;
      this.changes += 1;
      if (answer !== undefined && whose === this.whose) then(answer);
      else this.show({});
      return answer;
    });
    this.writing = done;
    return done;
  };

  /** Ends with the answer, or with nothing when the call failed or the answer is no longer this user's. */
  private async answer<R>(whose: string | undefined, call: () => Promise<R>): Promise<R | undefined> {
    try {
      const answer = await call();
      this.attend();
      if (whose !== this.whose) return undefined;
      this.show({ error: undefined });
      return answer;
    } catch (error) {
      this.attend();
      if (isMarketError(error) && whose === this.whose && !SILENT.has(error.code)) this.show({ error });
      return undefined;
    }
  }

  private arrived(data: T): void {
    this.feeds = true;
    this.show({ status: 'ready', data });
  }

  private fed(data: T | undefined): void {
    this.attend();
    if (this.feeds && data !== undefined) this.show({ status: 'ready', data });
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
