/** Negative controls: what pretends must fail the contract, and what is honest must pass the same checks. */
import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { EVENT_LOG_CHECKS, runCheck } from './event-log-contract.ts';
import * as pretenders from './support/pretenders.ts';
import type { SimulatedHarnessOptions } from './support/simulated-harness.ts';
import { simulatedHarness } from './support/simulated-harness.ts';

interface Pretender {
  readonly name: string;
  readonly options: SimulatedHarnessOptions;
  /** Checks that must catch it, among others. */
  readonly caughtBy: readonly string[];
}

const PRETENDERS: readonly Pretender[] = [
  { name: 'drops one record in 100', options: { disguise: pretenders.dropsOneIn100 }, caughtBy: ['every acknowledged record is there'] },
  {
    name: 'acknowledges without storing',
    options: { disguise: pretenders.storesNothing },
    caughtBy: [
      'every acknowledged record is there',
      'records of a partition come back in the order in which they were sent, one offset after the other',
    ],
  },
  {
    name: 'chooses another partition when the one asked for is missing',
    options: { disguise: pretenders.choosesPartitions },
    caughtBy: ['a partition that does not exist is refused, and stores nothing elsewhere'],
  },
  {
    name: 'forgets headers',
    options: { disguise: pretenders.forgetsHeaders },
    caughtBy: [
      'keys, headers and values come back as they were sent, absent and empty ones included',
      'a transform stops when the record before its offset is another one',
    ],
  },
  {
    name: 'ignores the metadata of commits',
    options: { disguise: pretenders.ignoresMetadata },
    caughtBy: [
      'a committed offset and its metadata come back to the next owner, for each group its own',
      'a transform stops when the record before its offset is another one',
    ],
  },
  {
    name: 'answers commits without storing them',
    options: { disguise: pretenders.commitsNothing },
    caughtBy: [
      'a committed offset and its metadata come back to the next owner, for each group its own',
      'a transform that is started again makes no output twice for what it had committed',
    ],
  },
  {
    name: 'lets an old owner commit',
    options: { disguise: pretenders.trustsOldOwners },
    caughtBy: [
      'when a partition changes its owner while a batch is in hand, the old owner hears of it and cannot commit',
      'a former owner that has not noticed cannot commit, and spoils nothing for the new one',
      'a claim by a former owner raises no fence',
    ],
  },
  {
    name: 'resets an expired position by itself',
    options: { disguise: pretenders.resetsByItself },
    caughtBy: ['an owner whose position has expired is told so, again and again'],
  },
  {
    name: 'ignores the limits of polls',
    options: { disguise: pretenders.ignoresLimits },
    caughtBy: ['while decide fails in a way that can pass, a transform reads no further than its batch, and then loses nothing'],
  },
  {
    name: 'has a store that ignores the fence',
    options: { fence: false },
    caughtBy: [
      'an insert that was held up arrives after its owner was replaced, and is refused',
      'an insert that ends in "late" leaves every record in the store exactly once',
    ],
  },
];

describe('the event-log contract catches a log that', () => {
  for (const { name, options, caughtBy } of PRETENDERS) {
    it(name, async () => {
      for (const checkName of caughtBy) {
        const check = EVENT_LOG_CHECKS.find((one) => one.name === checkName);
        assert.ok(check, `there is a check "${checkName}"`);
        await runCheck(check, () => simulatedHarness());
        await assert.rejects(
          runCheck(check, () => simulatedHarness(options)),
          `"${checkName}" lets through a log that ${name}`,
        );
      }
    });
  }
});
