/** The contract of a ClickHouse server as we use it, as tests: the embedded one and a real one pass the same checks. */
import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import type { Check, MakeHarness } from './check.ts';
import { blockChecks } from './checks/blocks.ts';
import { concurrencyChecks } from './checks/concurrency.ts';
import { errorChecks } from './checks/errors.ts';
import { fenceChecks } from './checks/fence.ts';
import { formatChecks } from './checks/formats.ts';
import { killChecks } from './checks/kill.ts';
import { parameterChecks } from './checks/parameters.ts';
import { projectionChecks } from './checks/projections.ts';
import { protocolChecks } from './checks/protocol.ts';
import { settingChecks } from './checks/settings.ts';
import { valueChecks } from './checks/values.ts';

export const CLICKHOUSE_CHECKS: readonly Check[] = [
  ...protocolChecks,
  ...settingChecks,
  ...parameterChecks,
  ...valueChecks,
  ...formatChecks,
  ...errorChecks,
  ...blockChecks,
  ...concurrencyChecks,
  ...killChecks,
  ...fenceChecks,
  ...projectionChecks,
];

export function clickhouseContract(name: string, makeHarness: MakeHarness): void {
  describe(`ClickHouse: ${name}`, () => {
    for (const check of CLICKHOUSE_CHECKS) it(check.name, () => runCheck(check, makeHarness));
  });
}

/** Runs one check in a database of its own. */
export async function runCheck(check: Check, makeHarness: MakeHarness): Promise<void> {
  const harness = await makeHarness();
  try {
    await check.run(harness);
  } finally {
    await harness.close();
  }
}

/** By its name, for tests about the contract. */
export function checkNamed(name: string): Check {
  const check = CLICKHOUSE_CHECKS.find((candidate) => candidate.name === name);
  assert.ok(check, `there is no check "${name}"`);
  return check;
}
