// How a side is talked to: `tests/bench/rust/src/lib.rs` has the table.
import { createInterface } from 'node:readline';

export const PHONE = '+13128059851';
export const CODE = '123456';
const PIECES = 2;

const [baseUrl, lines, folder, start] = process.argv.slice(2);

export const given = { baseUrl, folder };

export async function run(side) {
  const expected = Number(lines);
  const cart = async () => {
    const { items } = await side.cart();
    const pieces = items.reduce((sum, line) => sum + line.quantity, 0);
    if (items.length !== expected || pieces !== expected * PIECES) throw new Error('another cart');
  };
  const wishlist = async () => {
    const { items } = await side.wishlist();
    if (items.length !== 3) throw new Error('another wishlist');
  };
  const atOnce = (count, read) => Promise.all(Array.from({ length: count }, read));
  if (start === 'start') {
    await side.open();
    await cart();
    console.log('ok');
    process.exit(0);
  }
  for await (const line of createInterface(process.stdin)) {
    const [what, count] = line.split(' ');
    const began = process.hrtime.bigint();
    switch (what) {
      case 'sign-in':
        await side.signIn();
        break;
      case 'open':
        await side.open();
        break;
      case 'carts':
        for (let n = 0; n < Number(count); n += 1) await cart();
        break;
      case 'carts-at-once':
        await atOnce(Number(count), cart);
        break;
      case 'wishlists-at-once':
        await atOnce(Number(count), wishlist);
        break;
      case 'settle':
        // With a heap that is put together again: what lies scattered is no growth.
        gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
        break;
      case 'end':
        process.exit(0);
        break;
      default:
        throw new Error(line);
    }
    console.log(count === undefined ? 'ok' : String(process.hrtime.bigint() - began));
  }
}
