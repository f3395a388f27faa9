import { describe, expect, test } from 'vitest';
import { ownKafka } from '../support/kafka/index.ts';
import { IN_WORK_SHARE_MIN, reportText } from './report.ts';
import { runChaos } from './run.ts';

const SEED = 20_261_121;
const KILLS = 8;
const REQUESTS_PER_S = 25;

const kafka = await ownKafka();

describe.skipIf(kafka.skipped !== undefined)(`${KILLS} kills under load (seed ${SEED})`, () => {
  test("leave a ledger that agrees with the provider's bill", async () => {
    const report = await runChaos({
      seed: SEED,
      kills: KILLS,
      requestsPerSecond: REQUESTS_PER_S,
      stop: new AbortController().signal,
      say: (line) => console.log(line),
    });
    console.log(reportText(report));
    expect(report.differences).toEqual([]);
    expect(report.kills).toBe(KILLS);
    expect(report.kills_in_work / report.kills).toBeGreaterThanOrEqual(IN_WORK_SHARE_MIN);
    expect(report.rows).toBeGreaterThan(REQUESTS_PER_S);
  });
});
