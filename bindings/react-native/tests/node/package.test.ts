import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { PHONE, startServer } from '../dev-server';

const run = promisify(execFile);
const here = join(__dirname, '..', '..');

test(
  'a project that installs the packed package calls it, with types',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'market-consumer-'));
    const server = await startServer();
    try {
      await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: here });
      const [tarball = ''] = readdirSync(folder);
      const project = join(folder, 'project');
      mkdirSync(project);
      writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', version: '1.0.0', private: true }));
      const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel', 'error'];
      // The React that this package is tested with, not whichever is the newest.
      const { version } = JSON.parse(readFileSync(join(here, 'node_modules', 'react', 'package.json'), 'utf8')) as { version: string };
      await run('npm', ['install', ...quiet, join(folder, tarball), `react@${version}`], { cwd: project });
      symlinkSync(join(here, 'node_modules', '@types'), join(project, 'node_modules', '@types'));
      const files = ['consumer.mts', 'consumer.cjs', 'testing.mts', 'loaded.cjs', 'app.test.tsx'];
      for (const file of files) copyFileSync(join(here, 'tests', 'consumer', file), join(project, file));
      const tsc = join(here, 'node_modules', 'typescript', 'bin', 'tsc');
      const compile = (...how: string[]) =>
        run(process.execPath, [tsc, '--strict', '--target', 'es2022', '--types', 'node', ...how, 'consumer.mts', 'testing.mts'], { cwd: project });
      // Its declarations too, as Node sees them and as a phone's bundler does.
      await compile('--module', 'nodenext', '--noEmit');
      await compile('--module', 'esnext', '--moduleResolution', 'bundler', '--customConditions', 'react-native', '--noEmit');
      // The runtime's declarations are none of CommonJS's, which matters to this one alone.
      await compile('--module', 'node16', '--skipLibCheck');
      // A process that is frozen is killed.
      const arguments_ = [server.baseUrl, PHONE];
      const said = await run(process.execPath, ['consumer.mjs', ...arguments_], { cwd: project, timeout: 60_000, killSignal: 'SIGKILL' });
      expect(said.stdout.trimEnd().split('\n')).toEqual([
        'signedOut: noSession',
        'notSignedIn Please sign in.',
        'signed in: +•••••••••51, persisted true',
        '1 line, $39.98',
        '500 calls ended',
      ]);
      const required = await run(process.execPath, ['--expose-gc', 'consumer.cjs', ...arguments_], { cwd: project, timeout: 60_000 });
      expect(required.stdout).toBe('2 markets MarketError\n0 threads follow\n');
      const kit = await run(process.execPath, ['testing.mjs'], { cwd: project, timeout: 60_000 });
      expect(kit.stdout.trimEnd().split('\n')).toEqual([
        'fake: signedIn, 39.98 USD',
        'called: cart.add',
        'real: signedIn, 39.98 USD',
        'Your session has expired. Please sign in again.',
      ]);
      // The fakes load neither the library nor its bindings, neither React nor what is Node's.
      const loaded = await run(process.execPath, ['loaded.cjs'], { cwd: project });
      expect(loaded.stdout).toBe('@market-sdk/react-native/testing\nfalse\n');
      await testScreens(project);
    } finally {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
  300_000,
);

/** Runs the project's own tests of screens, with what this package is tested with in the place of what it would install. */
async function testScreens(project: string): Promise<void> {
  rmSync(join(project, 'node_modules', 'react'), { recursive: true });
  for (const name of ['react', 'react-native', '@react-native', '@testing-library', '@babel', 'test-renderer']) {
    symlinkSync(join(here, 'node_modules', name), join(project, 'node_modules', name));
  }
  writeFileSync(join(project, 'babel.config.js'), "module.exports = { presets: ['module:@react-native/babel-preset'] };");
  writeFileSync(join(project, 'jest.config.js'), "module.exports = { preset: '@react-native/jest-preset' };");
  const jest = join(here, 'node_modules', 'jest', 'bin', 'jest.js');
  const said = await run(process.execPath, [jest, '--ci'], { cwd: project, timeout: 120_000 });
  expect(said.stderr).toContain('1 passed');
}

test('a package without the libraries of phones is not published', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'market-package-'));
  const complete = () => run(process.execPath, [join(folder, 'scripts', 'complete.js')]);
  const put = (file: string, text = ''): void => {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  };
  try {
    put('scripts/complete.js', readFileSync(join(here, 'scripts', 'complete.js'), 'utf8'));
    const said = ((await complete().catch((error: unknown) => error)) as { stderr: string }).stderr;
    const missing = [...said.matchAll(/(\S+) is missing/g)].map(([, file = '']) => file);
    expect(missing).toContain('android/src/main/jniLibs/arm64-v8a/libmarket_sdk_ffi.so');
    expect(missing).toContain('build/MarketSdkCore.xcframework/Info.plist');
    expect(said).toContain('native holds no library');
    missing.forEach((file) => put(file));
    put('native/linux-x64/market_sdk_ffi.so', 'with .debug_info');
    await expect(complete()).rejects.toThrow('market_sdk_ffi.so is one for development');
    put('native/linux-x64/market_sdk_ffi.so');
    await complete();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
