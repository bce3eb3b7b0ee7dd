/** A call that the app has made, while it is under way. */
import type { MarketError } from '../errors';

/** As whom it is made: one that signs in is overtaken by a logout alone. */
export type MadeAs = 'user' | 'nobody' | 'signIn';

export class Ticket {
  /** Ends with an error when the call is over before it is answered. */
  readonly over: Promise<never>;
  /** How it waits, while nothing of it is on its way. */
  stands: 'not' | 'waiting' | 'parked' = 'not';
  /** Whether it is on its way, so that what runs to its end does so. */
  isSent = false;
  patience: ReturnType<typeof setTimeout> | undefined;
  private ended: MarketError | undefined;
  private reject: (error: MarketError) => void = () => undefined;
  private wakeUp: () => void = () => undefined;

  constructor(
    readonly madeAs: MadeAs,
    /** Whether it may be parked. */
    readonly parks: boolean,
  ) {
    this.over = new Promise((_, reject) => (this.reject = reject));
    // Not everybody who holds it waits for it.
    this.over.catch(() => undefined);
  }

  end(error: MarketError): void {
    this.ended ??= error;
    this.stands = 'not';
    clearTimeout(this.patience);
    this.reject(error);
  }

  /** Throws if it is over. */
  check(): void {
    if (this.ended !== undefined) throw this.ended;
  }

  wake(): void {
    this.wakeUp();
  }

  /** Until there may be something new to see. */
  woken(): Promise<void> {
    return Promise.race([new Promise<void>((resolve) => (this.wakeUp = resolve)), this.over]);
  }
}
