import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const here = join(__dirname, '..', '..');
const PAGES = ['README.md', '../../docs/migrating.md'];
/** A page's snippets need not say again what the page's first lines have imported. */
const IMPORTS = `import { useEffect, useState } from 'react';
import { createMarketClient, formatMoney, isMarketError, MarketProvider, type NewOrder, type Order, useCart, useSession } from '@market-sdk/react-native';
void [useEffect, useState, createMarketClient, formatMoney, isMarketError, MarketProvider, useCart, useSession];
`;

test('every snippet of the documentation compiles', async () => {
  const folder = join(here, 'reports', 'snippets');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  let count = 0;
  for (const page of PAGES) {
    const text = readFileSync(join(here, page), 'utf8');
    for (const [, code = ''] of text.matchAll(/^```tsx?\n([^]*?)^```/gm)) {
      count += 1;
      // What it imports itself, and what it declares, hides what is there for all.
      // It is the app that the page's tests import.
      if (code.includes('export function App({ market }')) writeFileSync(join(folder, 'App.tsx'), code);
      const own = code.includes("from '@market-sdk/react-native'");
      const besides = own ? IMPORTS.replace(/.*market-sdk.*\n.*\n/, '') : IMPORTS;
      const imports = code.includes("from 'react';") ? '' : besides;
      writeFileSync(join(folder, `${basename(page, '.md')}-${count}.tsx`), `${imports}${code}export {};\n`);
    }
  }
  expect(count).toBe(21);
  const own = (...file: string[]) => [join(here, 'src', ...file)];
  const paths = {
    '@market-sdk/react-native': own('index.ts'),
    '@market-sdk/react-native/testing': own('testing', 'index.ts'),
    '@market-sdk/react-native/testing/dev-server': own('testing', 'dev-server.ts'),
  };
  const config = {
    extends: '../../tsconfig.json',
    compilerOptions: { target: 'es2022', module: 'esnext', paths },
    include: ['*.tsx', join(here, 'tests', 'snippets', '*.d.ts')],
    exclude: [],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const tsc = join(here, 'node_modules', 'typescript', 'bin', 'tsc');
  const said = await promisify(execFile)(process.execPath, [tsc, '-p', folder]).catch((error: unknown) => error);
  // What did not run at all says nothing on the one, and something on the other.
  expect(said).toMatchObject({ stdout: '', stderr: '' });
  expect(said).not.toBeInstanceOf(Error);
});
