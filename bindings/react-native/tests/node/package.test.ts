import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { DevServer, PHONE } from '../dev-server';

const run = promisify(execFile);
const here = join(__dirname, '..', '..');

test(
  'a project that installs the packed package calls it, with types',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'market-consumer-'));
    const server = await DevServer.start('--no-rate-limits');
    try {
      await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: here });
      const [tarball = ''] = readdirSync(folder);
      const project = join(folder, 'project');
      mkdirSync(project);
      writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', version: '1.0.0', private: true }));
      const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel', 'error'];
      await run('npm', ['install', ...quiet, join(folder, tarball)], { cwd: project });
      for (const file of ['consumer.mts', 'consumer.cjs']) copyFileSync(join(here, 'tests', 'consumer', file), join(project, file));
      const tsc = join(here, 'node_modules', 'typescript', 'bin', 'tsc');
      const types = ['--typeRoots', join(here, 'node_modules', '@types'), '--types', 'node'];
      await run(process.execPath, [tsc, '--strict', '--target', 'es2022', '--module', 'node16', '--skipLibCheck', ...types, 'consumer.mts'], {
        cwd: project,
      });
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
    } finally {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  },
  300_000,
);
