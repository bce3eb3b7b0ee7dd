// What an app writes without the SDK: fetch, two headers, and a look at the status.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { CODE, given, PHONE, run } from './side.mjs';

const tokenFile = join(given.folder, 'token');
let token;

async function get(path) {
  const response = await fetch(given.baseUrl + path, {
    headers: { Authorization: `Bearer ${token}`, 'X-Market': 'us' },
  });
  if (response.status === 401) throw new Error('signed out');
  if (!response.ok) throw new Error(`status ${response.status}`);
  return response.json();
}

await run({
  async signIn() {
    const response = await fetch(`${given.baseUrl}/auth/verify-code`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ phone: PHONE, verification_code: CODE }),
    });
    ({ access_token: token } = await response.json());
    await writeFile(tokenFile, token);
  },
  async open() {
    token = await readFile(tokenFile, 'utf8');
  },
  cart: () => get('/cart'),
  wishlist: () => get('/wishlist'),
});
