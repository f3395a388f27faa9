import { AppError } from '@tokenledger/domain';
import errors from 'kafkajs/src/protocol/error.js';
import { expect, test } from 'vitest';
import { parseAddress } from './cluster.ts';
import { finalFailure, GiveUp, isConnectionFailure, isCoordinatorMoved, isStaleMetadata, unavailable } from './failures.ts';

const byCode = {
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  NOT_LEADER_FOR_PARTITION: 6,
  NOT_ENOUGH_REPLICAS: 19,
  NOT_COORDINATOR_FOR_GROUP: 16,
  TOPIC_AUTHORIZATION_FAILED: 29,
} as const;
const broker = (type: keyof typeof byCode): Error => errors.createErrorFromCode(byCode[type]);

test('what passes by itself is tried again, what cannot pass is not', () => {
  for (const passing of [broker('NOT_ENOUGH_REPLICAS'), new Error('socket closed'), unavailable('a step', new Error('away'))])
    expect(finalFailure('a step', passing)).toBe(null);
  const refused = new AppError('TOPIC_MISSING', 'gone');
  expect(finalFailure('a step', refused)).toBe(refused);
  expect(finalFailure('a step', broker('TOPIC_AUTHORIZATION_FAILED'))).toMatchObject({ code: 'LOG_DENIED', retryable: true });
  const given = unavailable('a step', new Error('nobody knows'));
  expect(finalFailure('a step', new GiveUp(given))).toBe(given);
});

test('a mistake in the program does not pass for a broker that is away', () => {
  const defect = new TypeError('undefined is not a function');
  expect(finalFailure('a step', defect)).toBe(defect);
  expect(isConnectionFailure(defect)).toBe(false);
  expect(isConnectionFailure(new Error('ECONNRESET'))).toBe(true);
  expect(isConnectionFailure(broker('NOT_ENOUGH_REPLICAS'))).toBe(false);
});

test('outdated knowledge is told from other failures', () => {
  expect([broker('UNKNOWN_TOPIC_OR_PARTITION'), broker('NOT_LEADER_FOR_PARTITION')].every(isStaleMetadata)).toBe(true);
  expect(isStaleMetadata(broker('NOT_ENOUGH_REPLICAS'))).toBe(false);
  expect(isCoordinatorMoved(broker('NOT_COORDINATOR_FOR_GROUP'))).toBe(true);
});

test('an address is host and port, an IPv6 one in brackets', () => {
  expect(parseAddress('kafka-1.example:9092')).toEqual({ host: 'kafka-1.example', port: 9092 });
  expect(parseAddress(' [::1]:9092 ')).toEqual({ host: '::1', port: 9092 });
  for (const wrong of ['kafka', 'kafka:', ':9092', 'kafka:0', 'kafka:70000', '::1:9092', 'http://kafka:9092', ''])
    expect(() => parseAddress(wrong)).toThrow(`${JSON.stringify(wrong)} is not host:port`);
});
