import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';

import { MarketDevServer } from '../../src/testing/dev-server';
import { PHONE, requestsTo } from '../dev-server';

async function withProgram(program: string | undefined, act: () => Promise<void>): Promise<void> {
  const before = process.env['MARKET_DEV_SERVER'];
  if (program === undefined) delete process.env['MARKET_DEV_SERVER'];
  else process.env['MARKET_DEV_SERVER'] = program;
  try {
    await act();
  } finally {
    process.env['MARKET_DEV_SERVER'] = before;
  }
}

test('a dev server that is not installed is said how to be', async () => {
  await withProgram('/nowhere/market-dev-server', async () => {
    await expect(MarketDevServer.start()).rejects.toThrow(/nowhere.*cargo install --path tests\/dev-server.*MARKET_DEV_SERVER/s);
  });
});

test('a program that ends at once, and one that is no dev server, are said to be so', async () => {
  await withProgram('false', async () => {
    await expect(MarketDevServer.start()).rejects.toThrow('false ended with 1 before it listened.');
  });
  await withProgram('echo', async () => {
    await expect(MarketDevServer.start()).rejects.toThrow(/echo is no market-dev-server. It said: --port 0/);
  });
});

test('a program that says nothing, and one that does not end, is killed in the end', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'market-launcher-'));
  const script = (name: string, text: string): string => {
    const file = join(folder, name);
    writeFileSync(file, `#!/bin/sh\n${text}\nexec sleep 600\n`, { mode: 0o755 });
    return file;
  };
  // Time is the test's; processes are the system's.
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  try {
    await withProgram(script('silent', ''), async () => {
      const silent = expect(MarketDevServer.start()).rejects.toThrow(/silent said nothing within 30 seconds/);
      await jest.advanceTimersByTimeAsync(30_000);
      await silent;
    });
    await withProgram(script('stubborn', 'echo listening on http://127.0.0.1:1/api/v1'), async () => {
      const stubborn = await MarketDevServer.start();
      const closed = stubborn.close();
      await jest.advanceTimersByTimeAsync(10_000);
      await closed;
    });
    expect(jest.getTimerCount()).toBe(0);
  } finally {
    jest.useRealTimers();
    rmSync(folder, { recursive: true });
  }
});

test('a dev server is found on the PATH', async () => {
  const path = process.env['PATH'];
  const program = process.env['MARKET_DEV_SERVER'] ?? '';
  await withProgram(undefined, async () => {
    process.env['PATH'] = program.slice(0, program.lastIndexOf('/'));
    try {
      await (await MarketDevServer.start()).close();
    } finally {
      process.env['PATH'] = path;
    }
  });
});

test('a dev server that nobody closes keeps no process, and one that is being closed does', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'market-launcher-'));
  const source = readFileSync(join(__dirname, '../../src/testing/dev-server.ts'), 'utf8');
  const { outputText } = transpileModule(source, { compilerOptions: { module: ModuleKind.CommonJS, target: ScriptTarget.ES2022 } });
  writeFileSync(join(folder, 'dev-server.js'), outputText);
  const said = await new Promise<string>((resolve) => {
    const ends = `launcher.MarketDevServer.start().then((one) => launcher.MarketDevServer.start().then(() => one.close())).then(() => console.log('closed'))`;
    const program = spawn(process.execPath, ['-e', `const launcher = require('./dev-server');\n${ends}`], { cwd: folder, env: process.env, stdio: ['ignore', 'pipe', 'inherit'] });
    let all = '';
    program.stdout.on('data', (text: Buffer) => (all += text.toString()));
    program.once('close', (code) => resolve(`${all.trim()} ${String(code)}`));
  });
  rmSync(folder, { recursive: true });
  expect(said).toBe('closed 0');
});

test('a dev server that is closed is gone, and may be closed twice', async () => {
  const server = await MarketDevServer.start({ dialect: 'g2' });
  expect(await server.control('GET', '/dialect')).toEqual({ dialect: 'g2' });
  await server[Symbol.asyncDispose]();
  await server.close();
  await expect(server.requests()).rejects.toThrow('ECONNREFUSED');
});

test('what the server is not asked for is said, and what it does not know', async () => {
  const server = await MarketDevServer.start();
  await expect(server.code(PHONE)).rejects.toThrow('No code was asked for');
  await expect(server.fault('GET /cart', { kind: 'no such kind' as 'hold' })).rejects.toThrow('POST /faults: 422');
  const { now } = (await server.control('GET', '/clock')) as { now: number };
  await server.advanceClock(1500);
  await server.advanceClock(1500);
  expect(((await server.control('GET', '/clock')) as { now: number }).now).toBeGreaterThanOrEqual(now + 3);
  expect(await requestsTo(server, '')).toEqual([]);
  const { us } = await server.state();
  expect([us.users, us.orders, us.stock['104']]).toEqual([[], [], 2]);
  await server.close();
});

test('a test waits until requests are there, and takes faults back', async () => {
  const server = await MarketDevServer.start();
  try {
    const ask = (path: string): Promise<number> =>
      new Promise((resolve, reject) => {
        get(`${server.baseUrl}${path}`, { agent: false }, ({ statusCode = 0 }) => resolve(statusCode)).once('error', reject);
      });
    await server.fault('GET /auth/markets', { kind: 'hold' });
    const asked = [ask('/auth/markets'), ask('/auth/markets')];
    await server.arrived('GET /auth/markets', 2);
    await server.arrived('* /auth/{what}');
    await server.release();
    expect(await Promise.all(asked)).toEqual([200, 200]);
    await server.fault('GET /auth/markets', { kind: 'status', status: 503 });
    expect(await ask('/auth/markets')).toBe(503);
    await server.clearFaults();
    expect(await ask('/auth/markets')).toBe(200);
    await expect(server.arrived('GET /markets')).rejects.toThrow('no route GET /markets. It has');
  } finally {
    await server.close();
  }
});
