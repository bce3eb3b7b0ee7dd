import type { Behaviour } from './behaviours/behaviour';
import { ORDERS } from './behaviours/orders';
import { PARKING } from './behaviours/parking';
import { SESSIONS } from './behaviours/sessions';
import { SHOPPING } from './behaviours/shopping';
import { FakeWorld, RealWorld, Seen, type World } from './worlds';

/** What an app sees of it. */
async function play(behaviour: Behaviour, world: World): Promise<unknown[]> {
  const seen = new Seen();
  try {
    await behaviour(world, seen);
  } finally {
    await world.end();
  }
  return seen.all;
}

describe.each([
  ['sessions', SESSIONS],
  ['shopping', SHOPPING],
  ['orders', ORDERS],
  ['calls that wait', PARKING],
])('the fake is as the real client on the dev server: %s', (_, behaviours) => {
  test.each(Object.entries(behaviours))('%s', async (__, behaviour) => {
    const real = await play(behaviour, await RealWorld.begin());
    expect(real.length).toBeGreaterThan(0);
    // If they differ, the fake is wrong.
    expect(await play(behaviour, new FakeWorld())).toEqual(real);
  });
});
