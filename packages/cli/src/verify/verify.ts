/** Runs the checks on a ledger, also while it is in use: how far the groups have come is taken first, and nothing is expected beyond it. */
import { setTimeout as wait } from 'node:timers/promises';
import type { LedgerAccess } from '../ledger.ts';
import {
  type Account,
  type Check,
  type CheckName,
  judgeCompleteness,
  judgeEventIds,
  judgeLog,
  judgeRollups,
  judgeSealedDays,
  type LaneNumbers,
} from './judge.ts';
import { type Cut, readConsumed, readOnTheWay, takeCut } from './log-contents.ts';
import { readLanes, readRepeatedIds, readRollups, readSealedDays, readTables } from './table-contents.ts';

export interface Verdict {
  readonly checks: readonly Check[];
  /** By group and partition; empty without the check `log`. */
  readonly accounts: readonly Account[];
}

/** What is written between two queries looks like a difference, and is none at the next look. */
const LOOKS_MAX = 4;
const LOOK_AGAIN_MS = 500;

export async function verifyLedger(ledger: LedgerAccess, wanted: readonly CheckName[]): Promise<Verdict> {
  const { log, topics, clickhouse } = ledger;
  const cut = await takeCut(log, topics);
  const checks: Check[] = [];
  let accounts: readonly Account[] = [];
  for (const name of wanted) {
    switch (name) {
      case 'completeness':
        checks.push(await untilAlike(async () => completeness(ledger, cut)));
        break;
      case 'event ids': {
        const { rows, repeated } = await readRepeatedIds(clickhouse);
        checks.push(judgeEventIds(rows, repeated));
        break;
      }
      case 'rollups':
        checks.push(await untilAlike(async () => judgeRollups(await readRollups(clickhouse))));
        break;
      case 'sealed days':
        checks.push(await untilAlike(async () => judgeSealedDays(await readSealedDays(clickhouse))));
        break;
      case 'log': {
        // What was on its way is read before the tables: what leaves the way meanwhile is in a table then.
        const consumed = await readConsumed(log, cut);
        const onTheWay = await readOnTheWay(log, cut);
        const judged = judgeLog(consumed, await readTables(clickhouse, topics), onTheWay);
        checks.push(judged.check);
        accounts = judged.accounts;
        break;
      }
    }
  }
  return { checks, accounts };
}

async function completeness({ log, clickhouse }: LedgerAccess, cut: Cut): Promise<Check> {
  const lanes = await readLanes(clickhouse);
  const gaps = lanes.some(({ missing }) => missing.length > 0);
  const onTheWay: LaneNumbers = gaps ? await readOnTheWay(log, cut) : new Map();
  return judgeCompleteness(lanes, onTheWay);
}

async function untilAlike(look: () => Promise<Check>): Promise<Check> {
  for (let looks = 1; ; looks += 1) {
    const check = await look();
    if (check.differences.length === 0 || looks === LOOKS_MAX) return check;
    await wait(LOOK_AGAIN_MS);
  }
}
