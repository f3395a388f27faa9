import { afterEach, describe, expect, it } from 'vitest';
import { type Door, openDoor } from './door.ts';
import type { StartedKafka } from './start.ts';

let door: Door;
afterEach(() => door.close());

const ask = async (): Promise<unknown> => (await fetch(door.url)).json();

describe('the door to a run’s Kafka', () => {
  it('starts one broker for all who ask, none before, and ends it when it closes', async () => {
    const history: string[] = [];
    door = await openDoor(async (): Promise<StartedKafka> => {
      history.push('started');
      return {
        kind: 'started',
        source: 'jars',
        kafka: { brokers: 'broker:9092', [Symbol.asyncDispose]: async () => void history.push('ended') },
      };
    });
    expect(history).toEqual([]);
    expect(await Promise.all([ask(), ask()])).toEqual(Array.from({ length: 2 }, () => ({ kind: 'running', brokers: 'broker:9092' })));
    expect(await ask()).toEqual({ kind: 'running', brokers: 'broker:9092' });
    await door.close();
    expect(history).toEqual(['started', 'ended']);
  });

  it('says why there is none', async () => {
    const missing = { kind: 'missing', reason: 'no Kafka', fails: false } as const;
    door = await openDoor(async () => missing);
    expect(await ask()).toEqual(missing);
  });

  it('makes those fail who need a Kafka that was found and does not start', async () => {
    door = await openDoor(() => Promise.reject(new Error('its disk is full')));
    expect(await ask()).toEqual({ kind: 'missing', reason: 'its disk is full', fails: true });
  });
});
