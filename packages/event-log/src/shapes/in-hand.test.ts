import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, expect, test } from 'vitest';
import { IN_HAND_CHANNEL, type InHandMessage, takeInHand } from './in-hand.ts';

const PARTITION = { topic: 'events', partition: 3 };
const heard: InHandMessage[] = [];
const listen = (message: unknown): void => void heard.push(message as InHandMessage);

afterEach(() => {
  unsubscribe(IN_HAND_CHANNEL, listen);
  heard.length = 0;
});

test('whoever listens hears what is taken in hand, and once that it is let go', () => {
  subscribe(IN_HAND_CHANNEL, listen);
  const letGo = takeInHand('batch', PARTITION);
  expect(heard).toEqual([{ what: 'batch', ...PARTITION, change: 1 }]);
  letGo();
  letGo();
  expect(heard).toEqual([
    { what: 'batch', ...PARTITION, change: 1 },
    { what: 'batch', ...PARTITION, change: -1 },
  ]);
});

test('what was taken in hand while nobody listened is not let go before a listener who came later', () => {
  const letGo = takeInHand('recovery', PARTITION);
  subscribe(IN_HAND_CHANNEL, listen);
  letGo();
  expect(heard).toEqual([]);
});
