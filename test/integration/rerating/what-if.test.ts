// What a period would have cost otherwise, from the rows of the ledger with their corrections.
import { formatUsd } from '@tokenledger/domain';
import { rateEvent } from '@tokenledger/pricing';
import { type Change, whatIf } from '@tokenledger/rerating';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AFTER } from '../../support/rerating-events.ts';
import { type Ledger, openLedger } from '../writer/ledger.ts';
import { openWorld, type World } from './world.ts';

let ledger: Ledger;
let world: World;
const EVENTS = 44;

beforeAll(async () => {
  ledger = await openLedger();
  world = await openWorld(ledger);
  await world.fill(EVENTS);
  await world.rerate(AFTER);
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await ledger[Symbol.asyncDispose]();
});

const ask = (change: Partial<Change>) => {
  const whole = { models: new Map(), ...change };
  return whatIf({
    clickhouse: ledger.clickhouse,
    selection: { ...world.period, models: [...whole.models.keys()] },
    change: whole,
    costOf: (attempt, event) => rateEvent({ ...event, attempts: [attempt] }, AFTER).ratings[0]?.cost ?? null,
  });
};

test('what nothing changes costs what it costs by the ledger, its corrections included', async () => {
  const { rows } = await ask({ tier: 'standard' });
  const [cost, other] = [rows.reduce((sum, row) => sum + row.cost, 0n), rows.reduce((sum, row) => sum + row.whatIf, 0n)];
  expect(other).toBe(cost);
  expect(formatUsd(cost)).toBe(world.costAt(AFTER));
  expect(rows.length).toBe(4);
});

test('on another model each event costs what its tokens cost there; what has no price is counted apart', async () => {
  const { rows } = await ask({ models: new Map([['small', { model: 'new' }]]) });
  let expected = 0n;
  let compared = 0;
  for (const event of world.events()) {
    const attempts = event.attempts.filter(({ servedModel, usage }) => servedModel === 'small' && usage !== null);
    if (attempts.length === 0) continue;
    compared += 1;
    for (const attempt of attempts) {
      expected +=
        rateEvent({ ...event, attempts: [{ ...attempt, servedModel: 'new', requestedModel: 'new' }] }, AFTER).ratings[0]?.cost ?? 0n;
    }
  }
  expect(rows.reduce((sum, row) => sum + row.whatIf, 0n)).toBe(expected);
  expect(rows.reduce((sum, row) => sum + row.compared, 0)).toBe(compared);

  const nowhere = await ask({ models: new Map([['small', { model: 'nobody' }]]) });
  expect(nowhere.rows.reduce((sum, row) => sum + row.unknown, 0)).toBe(compared);
  expect(nowhere.rows.every(({ cost, whatIf: other }) => cost === 0n && other === 0n)).toBe(true);
});
