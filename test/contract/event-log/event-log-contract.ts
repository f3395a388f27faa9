/** The contract of an event log, as tests: every adapter passes the same checks. */
import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import type { Check, MakeHarness } from './check.ts';
import { beginningChecks } from './checks/beginnings.ts';
import { foldChecks } from './checks/fold.ts';
import { foldOwnerChecks } from './checks/fold-owners.ts';
import { foldStopChecks } from './checks/fold-stops.ts';
import { groupChecks } from './checks/groups.ts';
import { recordChecks } from './checks/records.ts';
import { sinkChecks } from './checks/sink.ts';
import { tableChecks } from './checks/table.ts';
import { topicChecks } from './checks/topics.ts';
import { transformChecks } from './checks/transform.ts';
import { transformStopChecks } from './checks/transform-stops.ts';

export const EVENT_LOG_CHECKS: readonly Check[] = [
  ...recordChecks,
  ...topicChecks,
  ...groupChecks,
  ...transformChecks,
  ...transformStopChecks,
  ...sinkChecks,
  ...beginningChecks,
  ...foldChecks,
  ...foldOwnerChecks,
  ...foldStopChecks,
  ...tableChecks,
];

export interface ContractOptions {
  /** Names of checks that this adapter cannot have, and why. */
  readonly notApplicable: Readonly<Record<string, string>>;
}

export function eventLogContract(name: string, makeHarness: MakeHarness, { notApplicable }: ContractOptions): void {
  describe(`event log: ${name}`, () => {
    for (const check of EVENT_LOG_CHECKS) {
      const reason = notApplicable[check.name];
      if (reason === undefined) it(check.name, () => runCheck(check, makeHarness));
      else it.skip(`${check.name} (not applicable: ${reason})`, () => {});
    }

    it('lists only checks that exist as not applicable', () => {
      const names = new Set(EVENT_LOG_CHECKS.map((check) => check.name));
      assert.deepEqual(
        Object.keys(notApplicable).filter((listed) => !names.has(listed)),
        [],
      );
    });
  });
}

/** Runs one check on a fresh harness. */
export async function runCheck(check: Check, makeHarness: MakeHarness): Promise<void> {
  const harness = await makeHarness();
  try {
    await check.run(harness);
  } finally {
    await harness.close();
  }
}
