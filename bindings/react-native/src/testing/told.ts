/** Those who listen. They are told soon, as by the core, and never in the middle of what they are told of. */
export class Told<T> {
  private readonly all = new Set<(news: T) => void>();

  get size(): number {
    return this.all.size;
  }

  add(tell: (news: T) => void): { readonly cancel: () => void } {
    const own = (news: T): void => tell(news);
    this.all.add(own);
    return { cancel: () => this.all.delete(own) };
  }

  tell(news: T): void {
    for (const one of this.all) {
      // Not `queueMicrotask`: a test that stops the clock stops that too.
      void Promise.resolve().then(() => {
        if (this.all.has(one)) one(news);
      });
    }
  }
}

/** More than it takes a call to come from the shop to its caller, or news to who listens and on to what they do. */
const TURNS = 50;

/**
 * What was said has been heard, and what it led to; or so many calls have ended, one behind the other. Not by a timer, which
 * a test may have stopped.
 */
export async function allTold(calls = 1): Promise<void> {
  for (let turn = 0; turn < TURNS * calls; turn += 1) await Promise.resolve();
}
