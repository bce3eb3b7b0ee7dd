import type { CallOptions } from './call';
import type { Session } from './client';

/**
 * The changes that a component has begun. When it goes, those go with it that wait for a session, or come to wait for one;
 * what is on its way to the server is not lost for that.
 */
export class Begun {
  private readonly calls = new Set<AbortController>();
  private stop: (() => void) | undefined;

  constructor(private readonly session: Session) {}

  readonly make = async <T>(call: (options: CallOptions) => Promise<T>): Promise<T> => {
    const abort = new AbortController();
    this.calls.add(abort);
    try {
      return await call({ signal: abort.signal });
    } finally {
      this.calls.delete(abort);
      if (this.calls.size === 0) this.listenNoMore();
    }
  };

  /** For an effect: a component is there, until what this returns is called. */
  stay(): () => void {
    // Strict mode lets a component go and come back.
    this.listenNoMore();
    return () => {
      if (this.calls.size === 0) return;
      this.stop = this.session.subscribe(this.look);
      this.look();
    };
  }

  private readonly look = (): void => {
    if (this.session.state.status !== 'expired') return;
    for (const call of this.calls) call.abort();
  };

  private listenNoMore(): void {
    this.stop?.();
    this.stop = undefined;
  }
}
