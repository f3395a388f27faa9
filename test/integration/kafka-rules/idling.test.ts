import { cp, readFile, realpath, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startChild } from '../../support/child.ts';
import { type FakeCluster, startFakeCluster } from '../../support/kafka/fake-cluster.ts';
import { repositoryRoot } from '../../support/repository.ts';
import { makeTempDir } from '../../support/temp-dir.ts';
import type { IdleReport } from './idle-client.ts';

/** Reconnects, renewed metadata and the like may set a few. */
const QUIET_TIMERS_MAX = 20;
const SPINNING_TIMERS_MIN = 300;

let cluster: FakeCluster;
beforeAll(async () => {
  cluster = await startFakeCluster({ nodes: 1, topics: { idle: [1] } });
});
afterAll(() => cluster[Symbol.asyncDispose]());

describe('a client with nothing to do', () => {
  it('sets no timers as the event log', async () => {
    const { timers, warnings } = await idle();
    expect(timers).toBeLessThan(QUIET_TIMERS_MAX);
    expect(warnings).toEqual([]);
  });

  it('sets no timers as kafkajs with our patch', async () => {
    const { timers, warnings } = await idle(await kafkaJsFolder());
    expect(timers).toBeLessThan(QUIET_TIMERS_MAX);
    expect(warnings).toEqual([]);
  });

  it('spins as kafkajs without our patch', async () => {
    await using folder = await makeTempDir('kafkajs');
    await copyUnpatched(await kafkaJsFolder(), folder.path);
    const { timers, warnings } = await idle(folder.path);
    expect(timers).toBeGreaterThan(SPINNING_TIMERS_MIN);
    expect(warnings).toContain('TimeoutNegativeWarning');
  });
});

async function idle(kafkaJs?: string): Promise<IdleReport> {
  const program = new URL('./idle-client.ts', import.meta.url).pathname;
  await using child = startChild(process.execPath, [program, cluster.brokers, ...(kafkaJs === undefined ? [] : [kafkaJs])]);
  const { code } = await child.exited;
  expect({ code, stderr: child.stderr() }).toMatchObject({ code: 0 });
  return JSON.parse(child.stdout()) as IdleReport;
}

async function kafkaJsFolder(): Promise<string> {
  return dirname(await realpath(createRequire(import.meta.url).resolve('kafkajs/package.json')));
}

/** A copy with each part that the patch adds replaced by what it takes away. */
async function copyUnpatched(patched: string, folder: string): Promise<void> {
  await cp(patched, folder, { recursive: true });
  const patch = await readFile(join(repositoryRoot, 'patches', 'kafkajs@2.2.4.patch'), 'utf8');
  for (const file of patch.split(/^diff --git .*$/m).slice(1)) {
    const path = join(folder, /^\+\+\+ b\/(.*)$/m.exec(file)?.[1] ?? '');
    let text = await readFile(path, 'utf8');
    for (const hunk of file.split(/^@@ .* @@.*$/m).slice(1)) {
      const lines = hunk.split('\n').slice(1);
      const side = (without: '+' | '-'): string =>
        lines
          .filter((line) => /^[ +-]/.test(line) && !line.startsWith(without))
          .map((line) => `${line.slice(1)}\n`)
          .join('');
      expect(text).toContain(side('-'));
      text = text.replace(side('-'), () => side('+'));
    }
    await writeFile(path, text);
  }
}
