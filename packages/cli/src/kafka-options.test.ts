import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@tokenledger/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { usesKafka } from './event-log.ts';
import { kafkaOptions } from './kafka-options.ts';
import { loadSettings, type Settings } from './settings.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tokenledger-kafka-options-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function settings(environment: Readonly<Record<string, string>>): Settings {
  writeFileSync(join(folder, 'tokenledger.yaml'), '');
  return loadSettings({ file: undefined, flags: [], environment, workingDir: folder });
}
const options = (environment: Readonly<Record<string, string>>) => kafkaOptions(settings(environment), silentLogger());

test.each([
  ['brokers that are named mean Kafka', { KAFKA_BROKERS: 'a:1' }, true],
  ['no brokers mean the embedded log', {}, false],
  ['the adapter that is named wins over brokers', { KAFKA_BROKERS: 'a:1', TOKENLEDGER_LOG_ADAPTER: 'embedded' }, false],
  ['the adapter that is named needs no brokers to be meant', { TOKENLEDGER_LOG_ADAPTER: 'kafka' }, true],
])('%s', (_name, environment, expected) => {
  expect(usesKafka(settings(environment))).toBe(expected);
});

test('without brokers it says what to set', () => {
  expect(() => options({ TOKENLEDGER_LOG_ADAPTER: 'kafka' })).toThrow(expect.objectContaining({ code: 'KAFKA_BROKERS_MISSING' }));
});

test('by default: several brokers, no TLS, no login, and as many copies as the adapter finds right', () => {
  const plain = options({ KAFKA_BROKERS: 'a:1, b:2' });
  expect(plain).toMatchObject({ brokers: ['a:1', 'b:2'], clientId: 'tokenledger', tls: false, compression: 'none' });
  for (const absent of ['sasl', 'replicationFactor', 'minInsyncReplicas']) expect(plain).not.toHaveProperty(absent);
});

test('copies that are set are what topics get', () => {
  const set = { KAFKA_BROKERS: 'a:1', TOKENLEDGER_KAFKA_REPLICAS: '5', TOKENLEDGER_KAFKA_MIN_INSYNC_REPLICAS: '3' };
  expect(options(set)).toMatchObject({ replicationFactor: 5, minInsyncReplicas: 3 });
});

test('files stand beside the config file, imply TLS, and must be there', () => {
  writeFileSync(join(folder, 'ca.pem'), 'x');
  expect(options({ KAFKA_BROKERS: 'a:1', TOKENLEDGER_KAFKA_TLS: 'true' }).tls).toBe(true);
  expect(options({ KAFKA_BROKERS: 'a:1', TOKENLEDGER_KAFKA_TLS_CA_FILE: 'ca.pem', TOKENLEDGER_KAFKA_TLS_SERVER_NAME: 'k' }).tls).toEqual({
    caFile: join(folder, 'ca.pem'),
    serverName: 'k',
  });
  expect(() => options({ KAFKA_BROKERS: 'a:1', TOKENLEDGER_KAFKA_TLS_CERT_FILE: 'none.pem' })).toThrow(/none\.pem cannot be read/);
});

test('a login by password, and one by a token that is read anew each time', async () => {
  const scram = {
    TOKENLEDGER_KAFKA_SASL_MECHANISM: 'scram-sha-512',
    TOKENLEDGER_KAFKA_SASL_USERNAME: 'u',
    TOKENLEDGER_KAFKA_SASL_PASSWORD: 'p',
  };
  expect(options({ KAFKA_BROKERS: 'a:1', ...scram }).sasl).toEqual({ mechanism: 'scram-sha-512', username: 'u', password: 'p' });

  const bearer = { KAFKA_BROKERS: 'a:1', TOKENLEDGER_KAFKA_SASL_MECHANISM: 'oauthbearer' };
  expect(() => options(bearer)).toThrow(/name the file of its token/);
  writeFileSync(join(folder, 'token'), 'first\n');
  const { sasl } = options({ ...bearer, TOKENLEDGER_KAFKA_SASL_TOKEN_FILE: 'token' });
  const token = sasl?.mechanism === 'oauthbearer' ? sasl.token : undefined;
  expect(await token?.()).toBe('first');
  writeFileSync(join(folder, 'token'), 'second\n');
  expect(await token?.()).toBe('second');
});
