import { expect, test } from 'vitest';
import { kindOf, planRounds, type VictimKind } from './plan.ts';

const SEEDS = Array.from({ length: 50 }, (_, seed) => seed);

test('equal seeds plan equal rounds, others do not', () => {
  expect(planRounds(7, 100)).toEqual(planRounds(7, 100));
  expect(planRounds(7, 100)).not.toEqual(planRounds(8, 100));
});

test.each([1, 8, 40, 200])('%i kills are planned as so many, at least one in eight for each on the path of an event', (kills) => {
  for (const seed of SEEDS) {
    const died = new Map<VictimKind, number>();
    for (const { victim, again } of planRounds(seed, kills).flatMap((round) => round.kills)) {
      died.set(kindOf(victim), (died.get(kindOf(victim)) ?? 0) + (again ? 2 : 1));
    }
    expect([...died.values()].reduce((sum, count) => sum + count, 0)).toBe(kills);
    for (const kind of ['ingress', 'pricer', 'writer', 'broker', 'clickhouse'] as const) {
      expect(died.get(kind) ?? 0).toBeGreaterThanOrEqual(Math.floor(kills / 8));
    }
  }
});

test('nobody dies twice at a time, nor is afflicted while it dies', () => {
  for (const { kills, fault } of SEEDS.flatMap((seed) => planRounds(seed, 60))) {
    const victims = kills.map(({ victim }) => victim);
    expect(new Set(victims).size).toBe(victims.length);
    if ('victim' in fault) expect(victims).not.toContain(fault.victim);
  }
});
