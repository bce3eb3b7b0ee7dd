/** The time at the shop: the machine's, and what a test has moved it on by. */
import { milliseconds } from '../numbers';

export class Clock {
  private ahead = 0;
  private readonly followers = new Set<() => void>();

  now(): number {
    return Date.now() + this.ahead;
  }

  advance(by: number): void {
    this.ahead += milliseconds(by);
    for (const moved of this.followers) moved();
  }

  /** Calls `moved` whenever it was moved on, until the function that it returns is called. */
  follow(moved: () => void): () => void {
    this.followers.add(moved);
    return () => this.followers.delete(moved);
  }
}
