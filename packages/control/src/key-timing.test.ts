// How long it takes to turn a key away says nothing of the keys that there are: neither how much of one it shares, nor whether it was one once.
import { expect, test } from 'vitest';
import { documentsOf, documentsSection, resolveControl } from './index.ts';

const KEYS = 500;
const ROUNDS = 150;
const LOOKUPS = 40;
/** A busy machine disturbs a measurement; what is told by the time is told every time. */
const TRIES = 6;

/** As long as a key may be, so that what is compared byte by byte shows. */
const keyText = (index: number): string => `tlk_${String(index).padStart(6, '0')}`.padEnd(500, 'abcdefghij');
const KEY = keyText(0);
const NEARLY = `${KEY.slice(0, -1)}!`;
const NOTHING_LIKE = `!${KEY.slice(1)}`;

const state = resolveControl(
  documentsOf(
    documentsSection.parse({
      tenants: [{ id: 'acme', name: 'Acme' }],
      projects: [{ id: 'chat', tenant: 'acme', name: 'Chat' }],
      owners: [{ id: 'ada', tenant: 'acme', name: 'Ada' }],
      virtual_keys: Array.from({ length: KEYS }, (_, index) => ({
        id: `k${index}`,
        tenant: 'acme',
        project: 'chat',
        owner: 'ada',
        secret: `env:K${index}`,
      })),
      channels: [],
    }),
  ),
  { readSecret: (reference) => keyText(Number(reference.slice('env:K'.length))), keyHashSecret: Buffer.alloc(32, 7) },
);

/** How much longer one text takes than another: the ratio of the medians of interleaved rounds. */
function ratio(find: (text: string) => unknown, one: string, other: string): number {
  const taken = (text: string): number => {
    const began = process.hrtime.bigint();
    for (let lookup = 0; lookup < LOOKUPS; lookup++) find(text);
    return Number(process.hrtime.bigint() - began);
  };
  const times = Array.from({ length: ROUNDS }, (_, round) => {
    if (round % 2 === 0) return [taken(one), taken(other)] as const;
    const later = taken(other);
    return [taken(one), later] as const;
  });
  const median = (of: readonly number[]): number => of.toSorted((a, b) => a - b)[ROUNDS / 2] as number;
  return median(times.map(([first]) => first)) / median(times.map(([, second]) => second));
}

/** The try that shows the least. */
function leastDifference(find: (text: string) => unknown): number {
  const differences = Array.from({ length: TRIES }, () => Math.abs(Math.log(ratio(find, NEARLY, NOTHING_LIKE))));
  return Math.min(...differences);
}

test('a text that is a key but for its last character is turned away in the time of any other', () => {
  expect(state.findKey(KEY)).toBeDefined();
  expect(state.findKey(NEARLY)).toBeUndefined();
  expect(state.findKey(NOTHING_LIKE)).toBeUndefined();
  expect(leastDifference((text) => state.findKey(text))).toBeLessThan(0.05);
});

test('the measurement would show a comparison that ends at the first difference', () => {
  const naive = (text: string): boolean => {
    for (let at = 0; at < KEY.length; at++) if (text.charCodeAt(at) !== KEY.charCodeAt(at)) return false;
    return text.length === KEY.length;
  };
  expect(leastDifference(naive)).toBeGreaterThan(0.5);
});
