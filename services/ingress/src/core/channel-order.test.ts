import type { RouteTarget } from '@tokenledger/control';
import { describe, expect, test } from 'vitest';
import { channelOrder, stickyDraw } from './channel-order.ts';
import { targetOf } from './sample-route.ts';

const groups = (...lists: readonly (readonly RouteTarget[])[]) => ({
  groups: lists,
  order: lists.every(({ length }) => length === 1) ? lists.flat() : undefined,
});
const ids = (targets: readonly RouteTarget[]): string => targets.map(({ channel }) => channel.id).join(',');
const half = (): number => 0.5;
const CONVERSATIONS = 20_000;

/** How often each channel comes first, in parts of 1. */
function shares(route: Parameters<typeof channelOrder>[0]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (let index = 0; index < CONVERSATIONS; index++) {
    const first = channelOrder(route, stickyDraw('acme', `conversation-${index}`))[0]?.channel.id ?? '';
    counts.set(first, (counts.get(first) ?? 0) + 1 / CONVERSATIONS);
  }
  return counts;
}

test('channels without weights are tried in the order of the route, for every request alike', () => {
  const route = groups([targetOf('a')], [targetOf('b')], [targetOf('c')]);
  expect(channelOrder(route, half)).toBe(route.order);
});

test('weighted neighbours share the first place by their weights, and stay before what follows them', () => {
  const route = groups([targetOf('a', 3), targetOf('b', 1)], [targetOf('c')]);
  expect(ids(channelOrder(route, half))).toBe('a,b,c');
  expect(ids(channelOrder(route, (id) => (id === 'a' ? 0.01 : 0.99)))).toBe('b,a,c');
  const first = shares(route);
  expect(first.get('a')).toBeCloseTo(0.75, 1);
  expect(first.get('b')).toBeCloseTo(0.25, 1);
  expect(first.get('c')).toBeUndefined();
});

describe('a conversation', () => {
  const three = groups([targetOf('a', 1), targetOf('b', 1), targetOf('c', 1)]);

  test('stays where it is, and is another one for another tenant', () => {
    const orders = new Set<string>();
    for (let index = 0; index < 50; index++) {
      const order = ids(channelOrder(three, stickyDraw('acme', `conversation-${index}`)));
      expect(ids(channelOrder(three, stickyDraw('acme', `conversation-${index}`)))).toBe(order);
      orders.add(`${order}/${ids(channelOrder(three, stickyDraw('other', `conversation-${index}`)))}`);
    }
    expect(orders.size).toBeGreaterThan(12);
  });

  test('moves only if its channel leaves, and then to the one that would have stood in for it', () => {
    const two = groups([targetOf('a', 1), targetOf('b', 1)]);
    for (let index = 0; index < 1_000; index++) {
      const draw = stickyDraw('acme', `conversation-${index}`);
      const before = channelOrder(three, draw).map(({ channel }) => channel.id);
      expect(ids(channelOrder(two, draw))).toBe(before.filter((id) => id !== 'c').join(','));
    }
  });

  test('is as likely in one channel as in another of the same weight', () => {
    for (const share of shares(three).values()) expect(share).toBeCloseTo(1 / 3, 1);
  });
});
