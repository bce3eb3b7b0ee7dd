import type { Session } from '../../src/client';
import { MarketError, PhoneNumber, type SessionState } from '../../src/node';
import { Resource } from '../../src/resource';

/** A session that the test turns, and ends. What is asked of it is its state, and to be told of the next. */
function session() {
  const listeners = new Set<() => void>();
  const user = (id: number) => ({ id, market: 'us', phone: new PhoneNumber('+13128059851') });
  const signedIn = (id: number): SessionState => ({ status: 'signedIn', user: user(id), persisted: true });
  const it = {
    state: signedIn(1),
    subscribe: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    become: (state: SessionState): void => {
      it.state = state;
      listeners.forEach((listener) => {
        listener();
      });
    },
    turn: (id: number): void => {
      it.become(signedIn(id));
    },
    expire: (id: number): void => {
      it.become({ status: 'expired', user: user(id), reason: 'expired', waiting: 0 });
    },
    logOut: (): void => {
      it.become({ status: 'signedOut', reason: 'loggedOut' });
    },
  };
  return it;
}

/** Calls that the test answers. */
function calls() {
  const waiting: ((answer: string) => void)[] = [];
  const call = (): Promise<string> => new Promise((resolve) => waiting.push(resolve));
  const answer = async (text: string): Promise<void> => {
    waiting.shift()?.(text);
    await settled();
  };
  return { waiting, call, answer };
}

/** Until all that was promised has been told. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("a feed's last word of another user is not shown", async () => {
  const who = session();
  const { call, answer } = calls();
  let tell: (text: string | undefined) => void = () => undefined;
  const resource = new Resource(who as unknown as Session, call, (listener) => {
    tell = listener;
    return () => undefined;
  });
  resource.subscribe(() => undefined);
  await answer("one's");
  tell("one's, changed");
  expect(resource.snapshot().data).toBe("one's, changed");
  who.turn(2);
  // It was on its way when the session changed.
  tell("one's, changed again");
  expect(resource.snapshot()).toMatchObject({ status: 'loading', data: undefined });
  await answer("two's");
  tell("two's, changed");
  expect(resource.snapshot().data).toBe("two's, changed");
});

test('a late answer to the former user is not shown to the next', async () => {
  const who = session();
  const { call, answer, waiting } = calls();
  const resource = new Resource(who as unknown as Session, call);
  resource.subscribe(() => undefined);
  who.turn(2);
  expect(waiting).toHaveLength(2);
  await answer("one's");
  expect(resource.snapshot().data).toBeUndefined();
  await answer("two's");
  expect(resource.snapshot().data).toBe("two's");
});

test('a read that a change overlapped is made again, and changes are made at once', async () => {
  const reads = calls();
  const writes = calls();
  const resource = new Resource(session() as unknown as Session, reads.call);
  resource.subscribe(() => undefined);
  void resource.write(writes.call);
  void resource.write(writes.call);
  // With the tap, and not soon after it.
  expect(writes.waiting).toHaveLength(2);
  await writes.answer('after the first change');
  expect(resource.snapshot()).toMatchObject({ data: 'after the first change', busy: true });
  await writes.answer('after both');
  // It was begun before either: it is not shown, and another is made.
  await reads.answer('before');
  expect(resource.snapshot().data).toBe('after both');
  expect(reads.waiting).toHaveLength(1);
  await reads.answer('after both');
  expect(reads.waiting).toEqual([]);
  expect(resource.snapshot()).toEqual({ status: 'ready', data: 'after both', error: undefined, busy: false });
});

test('of changes that were made side by side the last one is shown, until it was read what both have left', async () => {
  const reads = calls();
  const resource = new Resource(session() as unknown as Session, reads.call);
  resource.subscribe(() => undefined);
  await reads.answer('before');
  const [first, second] = [calls(), calls()];
  void resource.write(first.call);
  void resource.write(second.call);
  await second.answer('after the second');
  expect(resource.snapshot()).toMatchObject({ data: 'after the second', busy: true });
  await first.answer('after the first');
  expect(resource.snapshot()).toMatchObject({ data: 'after the second', busy: true });
  await reads.answer('after both');
  expect(resource.snapshot()).toMatchObject({ data: 'after both', busy: false });
  // A change alone is answered with what it has left.
  void resource.write(first.call);
  await first.answer('after the third');
  expect(reads.waiting).toEqual([]);
  expect(resource.snapshot()).toMatchObject({ data: 'after the third', busy: false });
});

test("what the feed tells is not followed by an earlier change's answer", async () => {
  const reads = calls();
  let tell: (text: string) => void = () => undefined;
  const resource = new Resource(session() as unknown as Session, reads.call, (listener) => {
    tell = listener;
    return () => undefined;
  });
  resource.subscribe(() => undefined);
  await reads.answer('before');
  const [first, second] = [calls(), calls()];
  void resource.write(first.call);
  void resource.write(second.call);
  tell('after both');
  tell('after an order');
  await first.answer('after the first');
  expect(resource.snapshot()).toMatchObject({ data: 'after an order', busy: true });
  await second.answer('after both');
  expect(resource.snapshot()).toMatchObject({ data: 'after an order', busy: false });
  expect(reads.waiting).toEqual([]);
});

test('when the feed had told of something else before the first answer, it is read again', async () => {
  const reads = calls();
  let tell: (text: string) => void = () => undefined;
  const resource = new Resource(session() as unknown as Session, reads.call, (listener) => {
    tell = listener;
    return () => undefined;
  });
  resource.subscribe(() => undefined);
  tell("another's, or after a change");
  await reads.answer('before');
  expect(resource.snapshot()).toMatchObject({ data: 'before', busy: true });
  await reads.answer('after a change');
  expect(resource.snapshot()).toMatchObject({ data: 'after a change', busy: false });
  expect(reads.waiting).toEqual([]);
});

test('a read that was overtaken by changes that failed is made again', async () => {
  const reads = calls();
  const resource = new Resource(session() as unknown as Session, reads.call);
  resource.subscribe(() => undefined);
  let fail: (error: unknown) => void = () => undefined;
  void resource.write(() => new Promise((_, reject) => (fail = reject)));
  await reads.answer('before');
  expect(resource.snapshot()).toMatchObject({ status: 'loading', busy: true });
  fail(MarketError.config('no'));
  await settled();
  expect(resource.snapshot()).toMatchObject({ status: 'loading', busy: true, error: { code: 'config' } });
  await reads.answer('after');
  expect(resource.snapshot()).toMatchObject({ status: 'ready', data: 'after', busy: false, error: { code: 'config' } });
  void resource.refresh();
  await reads.answer('after');
  expect(resource.snapshot().error).toBeUndefined();
});

test('an error stays until something succeeds that was made after it', async () => {
  const resource = new Resource(session() as unknown as Session, calls().call);
  const [first, third] = [calls(), calls()];
  void resource.act(first.call, () => undefined);
  void resource.act(() => Promise.reject(MarketError.config('no')), () => undefined);
  void resource.act(third.call, () => undefined);
  await first.answer('made');
  expect(resource.snapshot()).toMatchObject({ error: { code: 'config' }, busy: true });
  await third.answer('made');
  expect(resource.snapshot()).toMatchObject({ error: undefined, busy: false });
});

test('what was begun before another screen made a change is not shown after it', async () => {
  const { call, answer, waiting } = calls();
  const resource = new Resource(session() as unknown as Session, call);
  resource.subscribe(() => undefined);
  resource.changed();
  await answer('before');
  expect(resource.snapshot().data).toBeUndefined();
  expect(waiting).toHaveLength(1);
  await answer('after');
  expect(resource.snapshot()).toMatchObject({ data: 'after', busy: false });
});

test('what the former user has changed is not shown to the next', async () => {
  const who = session();
  const writes = calls();
  const resource = new Resource(who as unknown as Session, calls().call);
  resource.subscribe(() => undefined);
  const first = resource.write(writes.call);
  who.turn(2);
  void resource.write(writes.call);
  await writes.answer("one's");
  expect(await first).toBeUndefined();
  expect(resource.snapshot().data).toBeUndefined();
  await writes.answer("two's");
  expect(resource.snapshot().data).toBe("two's");
});

test('what was shown stays when the session has expired, and is read again when the same user is back', async () => {
  const who = session();
  const { call, answer, waiting } = calls();
  const resource = new Resource(who as unknown as Session, call);
  resource.subscribe(() => undefined);
  await answer("one's");
  const view = resource.snapshot();
  who.expire(1);
  expect(resource.snapshot()).toEqual(view);
  // It would only wait, and take a tap's place.
  const refreshed = resource.refresh();
  expect(waiting).toEqual([]);
  expect(await refreshed).toBeUndefined();
  // A component may look at it before it is told.
  resource.subscribe(() => resource.snapshot());
  who.turn(1);
  expect(resource.snapshot()).toEqual({ ...view, busy: true });
  expect(waiting).toHaveLength(1);
  await answer("one's, later");
  expect(resource.snapshot()).toEqual({ ...view, data: "one's, later" });
});

test('what was shown is gone with a logout, and when another user signs in', async () => {
  for (const go of ['logOut', 'turn'] as const) {
    const who = session();
    const { call, answer } = calls();
    const resource = new Resource(who as unknown as Session, call);
    resource.subscribe(() => undefined);
    await answer("one's");
    who.expire(1);
    expect(resource.snapshot().data).toBe("one's");
    who[go](2);
    expect(resource.snapshot()).toMatchObject({ status: 'loading', data: undefined });
  }
});

test('a read that the end of the session has overtaken is given up, and one that a component asks for then is none', async () => {
  const who = session();
  const { call, answer, waiting } = calls();
  const resource = new Resource(who as unknown as Session, call);
  resource.subscribe(() => undefined);
  who.expire(1);
  expect(resource.snapshot()).toMatchObject({ status: 'loading', busy: false });
  await answer("one's, late");
  expect(resource.snapshot().data).toBeUndefined();
  const late = new Resource(who as unknown as Session, call);
  late.subscribe(() => undefined);
  expect(waiting).toEqual([]);
  who.turn(1);
  expect(waiting).toHaveLength(2);
});

test('a change that is made after the end of the session is shown when it has waited for the same user', async () => {
  const who = session();
  const reads = calls();
  const writes = calls();
  const resource = new Resource(who as unknown as Session, reads.call);
  resource.subscribe(() => undefined);
  await reads.answer("one's");
  who.expire(1);
  const change = resource.write(writes.call);
  await settled();
  expect(resource.snapshot()).toMatchObject({ status: 'ready', data: "one's", busy: true });
  who.turn(1);
  await writes.answer("one's, changed");
  expect(await change).toBe("one's, changed");
  expect(resource.snapshot().data).toBe("one's, changed");
});
