/** What was acknowledged survives a `kill -9` of the owner, and so does nobody's lock. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import type { EmbeddedLog } from './embedded-log.ts';
import { openEmbeddedLog } from './embedded-log.ts';

const KILLED_AFTER = 200;

/** Sends numbers for ever and prints each once it is acknowledged. */
const SENDER = `
  const { openEmbeddedLog } = await import(process.argv[1]);
  const log = openEmbeddedLog({ directory: process.argv[2], groupMs: 1 });
  await log.createTopics([{ topic: 't', partitions: 1, cleanup: 'time', retentionMs: 86400000 }]);
  const producer = await log.producer();
  for (let number = 0; ; number += 1) {
    await producer.send('t', 0, [{ key: null, value: Buffer.from(String(number)) }]);
    console.log(number);
  }`;

async function numbers(log: EmbeddedLog): Promise<string[]> {
  const reader = await log.reader({ topic: 't', partition: 0, from: 'start' });
  const read: string[] = [];
  for (;;) {
    const records = await reader.poll({ recordsMax: 1_000, bytesMax: 10_000_000, waitMs: 0 });
    if (records.length === 0) return read;
    read.push(...records.map(({ value }) => Buffer.from(value ?? []).toString()));
  }
}

it('keeps what it acknowledged when its owner is killed, and lets the next owner in', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'tokenledger-kill-'));
  try {
    const child = spawn(
      process.execPath,
      ['--input-type=module', '--eval', SENDER, new URL('./embedded-log.ts', import.meta.url).href, directory],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const exited = new Promise((resolve) => child.once('exit', resolve));
    let acknowledged = -1;
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged = Number(line);
      if (acknowledged === KILLED_AFTER) {
        expect(() => openEmbeddedLog({ directory })).toThrow(expect.objectContaining({ code: 'LOG_LOCKED' }));
        child.kill('SIGKILL');
      }
    }
    await exited;
    const log = openEmbeddedLog({ directory });
    const read = await numbers(log);
    await log.close();
    expect(acknowledged).toBeGreaterThanOrEqual(KILLED_AFTER);
    expect(read.length).toBeGreaterThan(acknowledged);
    expect(read).toEqual(Array.from({ length: read.length }, (_, index) => String(index)));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
