/** A line, in which calls wait for each other: first come, first served. */
export class Line {
  private last: Promise<void> = Promise.resolve();

  /** Joins it. Whoever leaves before their turn has come keeps nobody waiting. */
  join(): { readonly come: Promise<void>; readonly leave: () => void } {
    const come = this.last;
    let left: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => (left = resolve));
    this.last = come.then(() => gone);
    return { come, leave: left };
  }
}
