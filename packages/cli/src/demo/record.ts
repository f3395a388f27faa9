/** `demo.json`: says whether a data directory has served the demo, and whether it has served anything else. */
import { existsSync, readFileSync } from 'node:fs';
import { writeJsonFile, type DataLayout } from '@tokenledger/runtime';
import { z } from 'zod';

const recordSchema = z.object({
  /** When the demo first used the directory; null when it never did. */
  demo_since: z.string().nullable(),
  /** When the directory was first used without the demo; null while it is the demo's alone. */
  other_use_at: z.string().nullable(),
  /** A ClickHouse server that holds rows of this directory and is not embedded in it; null when there is none. */
  clickhouse_url: z.string().nullable(),
});

export type DemoRecord = z.output<typeof recordSchema>;

/** Undefined when nothing has been started on the directory yet, or the file is not ours. */
export function readDemoRecord(layout: DataLayout): DemoRecord | undefined {
  if (!existsSync(layout.demo)) return undefined;
  const parsed = recordSchema.safeParse(JSON.parse(readFileSync(layout.demo, 'utf8')));
  return parsed.success ? parsed.data : undefined;
}

const UNUSED: DemoRecord = { demo_since: null, other_use_at: null, clickhouse_url: null };

/** Notes a start with the demo. `clickhouseUrl`: `''` for the embedded one. */
export function recordDemoUse(layout: DataLayout, clickhouseUrl: string, now: Date): void {
  const before = readDemoRecord(layout) ?? UNUSED;
  writeJsonFile(layout.demo, {
    ...before,
    demo_since: before.demo_since ?? now.toISOString(),
    clickhouse_url: clickhouseUrl === '' ? before.clickhouse_url : clickhouseUrl,
  } satisfies DemoRecord);
}

/** Notes a start without the demo. */
export function recordOtherUse(layout: DataLayout, now: Date): void {
  const before = readDemoRecord(layout) ?? UNUSED;
  if (before.other_use_at === null) writeJsonFile(layout.demo, { ...before, other_use_at: now.toISOString() } satisfies DemoRecord);
}
