/** `tokenledger reset --demo`: forgets the demo, and nothing else. */
import { existsSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '@tokenledger/domain';
import { lockDataDir } from '@tokenledger/runtime';
import { Command } from 'commander';
import { settingsOf, withExamples, withShared } from '../command-line.ts';
import { readDemoRecord } from '../demo/record.ts';
import type { Settings } from '../settings.ts';

export function resetCommand(): Command {
  const command = new Command('reset')
    .description('Forget the demo: its events, its keys, its ClickHouse.')
    .option('--demo', 'the demo (nothing else can be reset)')
    .action((options: { readonly demo?: boolean }) => {
      if (options.demo !== true) throw new AppError('USAGE', 'reset: only the demo can be reset: say `reset --demo`');
      resetDemo(settingsOf(command), (line) => console.log(line));
    });
  return withExamples(withShared(command, 'config', 'data'), ['tokenledger reset --demo', 'the next `up` starts from nothing']);
}

/** Throws `RESET_REFUSED`, `DATA_DIR_IN_USE`. */
export function resetDemo(settings: Settings, say: (line: string) => void): void {
  const { layout, dataDirShown: shown } = settings;
  if (!existsSync(layout.root) || readdirSync(layout.root).length === 0) {
    say(`There is no demo in ${shown}: nothing to remove.`);
    return;
  }
  const record = readDemoRecord(layout);
  const byHand = `delete ${layout.root} yourself if nothing in it is needed`;
  if (record === undefined || record.demo_since === null) throw new AppError('RESET_REFUSED', `${shown} does not hold a demo: ${byHand}`);
  const lock = lockDataDir(layout);
  try {
    if (record.other_use_at !== null) {
      throw new AppError('RESET_REFUSED', `${shown} was also used without the demo (${record.other_use_at}): ${byHand}`);
    }
    if (record.clickhouse_url !== null) {
      // The writer's fence in that server only rises: a new log would start below it.
      throw new AppError(
        'RESET_REFUSED',
        `the rows of this demo are also in ${record.clickhouse_url}: drop the database there, then ${byHand}`,
      );
    }
    const parts = [
      layout.log,
      layout.journal,
      layout.clickhouse,
      join(layout.root, 'simulator'),
      layout.secrets,
      layout.runNote,
      layout.demo,
    ];
    for (const path of parts.filter((candidate) => existsSync(candidate))) {
      const size = sizeBytes(path);
      rmSync(path, { recursive: true });
      say(`removed ${path} (${megabytes(size)})`);
    }
  } finally {
    lock.release();
  }
  rmSync(layout.lock, { force: true });
  const rest = readdirSync(layout.root);
  if (rest.length === 0) rmdirSync(layout.root);
  else say(`kept ${rest.join(', ')} in ${layout.root}: not the demo's`);
  say('The demo is forgotten.');
}

function sizeBytes(path: string): number {
  const entry = statSync(path);
  if (!entry.isDirectory()) return entry.size;
  return readdirSync(path, { withFileTypes: true }).reduce(
    (sum, child) => sum + (child.isSymbolicLink() ? 0 : sizeBytes(join(path, child.name))),
    0,
  );
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
