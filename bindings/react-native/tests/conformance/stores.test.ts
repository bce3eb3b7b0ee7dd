import { chmodSync, existsSync, mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { type SecureStore, StoreError } from '../../src/node';
import { type Case, conformance, failed, lines, PHONE, stateOf } from './case';

class Lockable implements SecureStore {
  locked = false;
  private readonly values = new Map<string, ArrayBuffer>();

  place(): string {
    return 'in the memory of a test';
  }
  read(key: string): ArrayBuffer | undefined {
    this.check();
    return this.values.get(key);
  }
  write(key: string, value: ArrayBuffer): void {
    this.check();
    // What is given is Rust's own memory, and only lent.
    this.values.set(key, value.slice(0));
  }
  delete(key: string): void {
    this.check();
    this.values.delete(key);
  }
  private check(): void {
    if (this.locked) throw new StoreError('locked');
  }
}

conformance('a_locked_store_waits_and_is_not_taken_for_signed_out', async (it) => {
  const store = new Lockable();
  const options = { store: { type: 'host', store }, timeout: 2000 } as const;
  const first = it.client(options);
  expect((await it.signIn(first)).persisted).toBe(true);
  store.locked = true;
  const client = it.again(first, options);
  await failed(client.session.restore(), 'storeLocked', { isRetryable: true });
  expect(stateOf(client, 'locked').reason).toBe('locked');
  await failed(client.cart.get(), 'storeLocked');
  store.locked = false;
  client.session.resumed();
  const restored = await client.session.restore();
  expect(restored.status === 'signedIn' && restored.user.phone.value).toBe(PHONE);
  await client.cart.get();
});

conformance('a_damaged_session_is_said_to_be_corrupt_and_is_erased', async (it) => {
  const first = await it.signedIn();
  writeFileSync(it.secret() ?? '', '{');
  const client = it.again(first);
  expect(await client.session.restore()).toEqual({ status: 'signedOut', reason: 'corrupt' });
  await failed(client.cart.get(), 'notSignedIn');
  await client.session.logout();
  expect(it.secret()).toBeUndefined();
  await it.server.advanceClock(1_000);
  expect((await it.signIn(client)).persisted).toBe(true);
  await client.cart.get();
});

conformance('a_store_that_cannot_be_used_is_said_to_be_unavailable', async (it) => {
  const first = await it.signedIn();
  const folder = dirname(it.secret() ?? '');
  chmodSync(folder, 0o755);
  const client = it.again(first);
  await failed(client.session.restore(), 'storeUnavailable', { isRetryable: false });
  expect(stateOf(client, 'locked').reason).toBe('unavailable');
  await failed(client.cart.get(), 'storeUnavailable');
  chmodSync(folder, 0o700);
  expect((await client.session.restore()).status).toBe('signedIn');
  await client.cart.get();
});

conformance('a_store_that_does_not_erase_is_said_and_the_user_is_signed_out_all_the_same', async (it) => {
  const client = await it.signedIn();
  const secret = it.secret() ?? '';
  rmSync(secret);
  mkdirSync(secret);
  await failed(client.session.logout(), 'storeNotCleared', { isRetryable: false });
  expect(stateOf(client, 'signedOut').reason).toBe('loggedOut');
  await failed(client.cart.get(), 'notSignedIn');
  rmdirSync(secret);
  await client.session.clear();
});

/** A folder of its own for the marker, as a system gives to each app and removes with it. */
function marker(it: Case): string {
  const folder = join(it.folder, 'app');
  mkdirSync(folder);
  return join(folder, 'installed');
}

conformance('a_session_of_an_app_that_was_uninstalled_is_not_taken_up', async (it) => {
  const installMarker = marker(it);
  const first = await it.signedIn({ installMarker });
  const second = it.again(first, { installMarker });
  expect(lines(await second.cart.get())).toEqual([]);
  rmSync(installMarker);
  const third = it.again(second, { installMarker });
  expect(await third.session.restore()).toEqual({ status: 'signedOut', reason: 'noSession' });
  await third.session.logout();
  expect(it.secret()).toBeUndefined();
  await failed(third.cart.get(), 'notSignedIn');
  expect(existsSync(installMarker)).toBe(true);
});

conformance('an_install_marker_that_cannot_be_read_ends_no_session', async (it) => {
  const installMarker = marker(it);
  const first = await it.signedIn({ installMarker });
  it.close(first);
  rmSync(installMarker);
  mkdirSync(installMarker);
  const client = it.client({ installMarker });
  expect((await client.session.restore()).status).toBe('signedIn');
  await client.cart.get();
});
