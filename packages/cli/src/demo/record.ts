/** `demo.json`: says that a data directory belongs to the demo, and whether it has served anything else since. */
import { existsSync, readFileSync } from 'node:fs';
import { writeJsonFile, type DataLayout } from '@tokenledger/runtime';
import { z } from 'zod';

const recordSchema = z.object({
  demo_since: z.string(),
  /** When the directory was first used without the demo; null while it is the demo's alone. */
  other_use_at: z.string().nullable(),
  /** A ClickHouse server that holds rows of this directory and is not embedded in it; null when there is none. */
  clickhouse_url: z.string().nullable(),
});

export type DemoRecord = z.output<typeof recordSchema>;

/** Undefined when the directory has never been a demo's, or the file is not ours. */
export function readDemoRecord(layout: DataLayout): DemoRecord | undefined {
  if (!existsSync(layout.demo)) return undefined;
  const parsed = recordSchema.safeParse(JSON.parse(readFileSync(layout.demo, 'utf8')));
  return parsed.success ? parsed.data : undefined;
}

/** Notes a start with the demo. A directory that holds a log but no record has been used without it. */
export function recordDemoUse(layout: DataLayout, clickhouseUrl: string, now: Date): void {
  const before = readDemoRecord(layout) ?? {
    demo_since: now.toISOString(),
    other_use_at: existsSync(layout.log) ? now.toISOString() : null,
    clickhouse_url: null,
  };
  writeJsonFile(layout.demo, { ...before, clickhouse_url: clickhouseUrl === '' ? before.clickhouse_url : clickhouseUrl });
}

/** Notes a start without the demo, where there was one. */
export function recordOtherUse(layout: DataLayout, now: Date): void {
  const before = readDemoRecord(layout);
  if (before !== undefined && before.other_use_at === null) writeJsonFile(layout.demo, { ...before, other_use_at: now.toISOString() });
}
