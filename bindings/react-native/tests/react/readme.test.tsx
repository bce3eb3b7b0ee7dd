import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { transformSync } from '@babel/core';
import { cleanup, render, screen, userEvent, waitFor } from '@testing-library/react-native';
import type { ReactElement } from 'react';
import { Button, Text } from 'react-native';

import * as sdk from '../../src/index';
import { PHONE, startServer } from '../dev-server';

test("the README's first snippet is a shop", async () => {
  const page = readFileSync(join(__dirname, '..', '..', 'README.md'), 'utf8');
  const [, snippet = ''] = /^```tsx\n([^]*?)^```/m.exec(page) ?? [];
  const code = transformSync(`${snippet}\nmodule.exports = { market, app };`, {
    filename: 'README.tsx',
    presets: ['module:@react-native/babel-preset'],
    babelrc: false,
    configFile: false,
  })?.code;
  const server = await startServer();
  const went: string[] = [];
  const around = {
    ...sdk,
    // The server of the snippet is not there.
    createMarketClient: (options: sdk.ClientConfig) =>
      sdk.createMarketClient({ ...options, baseUrl: server.baseUrl, store: { type: 'memory' }, allowHttpLoopback: true }),
    navigation: { navigate: (name: string) => went.push(name) },
    Spinner: () => <Text>Spinner</Text>,
    Lines: ({ items, total, onAdd }: { items: readonly sdk.CartLine[]; total: string; onAdd: (id: number) => void }) => (
      <>
        <Text>{`${items.length} lines, ${total}`}</Text>
        <Button title="Add" onPress={() => onAdd(42)} />
      </>
    ),
  };
  const module = { exports: {} as { market: sdk.MarketClient; app: ReactElement } };
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the page is what is tested
  const run = new Function('module', 'require', ...Object.keys(around), code ?? '') as (...given: unknown[]) => void;
  run(module, (name: string) => jest.requireActual(name) as unknown, ...Object.values(around));
  const { market, app } = module.exports;
  await render(app);
  expect(screen.getByText('Spinner')).toBeTruthy();
  await market.session.requestCode(PHONE);
  await market.session.verifyCode(PHONE, await server.code(PHONE));
  expect(await screen.findByText('0 lines, $0.00')).toBeTruthy();
  await userEvent.setup().press(screen.getByRole('button', { name: 'Add' }));
  expect(await screen.findByText('1 lines, $19.99')).toBeTruthy();
  await market.session.logout();
  await waitFor(() => {
    expect(went).toEqual(['Login']);
  });
  await cleanup();
  market.close();
  await server.close();
});
