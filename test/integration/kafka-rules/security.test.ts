import { randomBytes } from 'node:crypto';
import { type EventLog, type KafkaLogOptions, openKafkaLog } from '@tokenledger/event-log';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownKafka } from '../../support/kafka/index.ts';
import { type SecuredKafka, SESSION_MS_MAX, startSecuredKafka, unsecuredToken, USER } from '../../support/kafka/secured-kafka.ts';
import { readStored } from './stored.ts';

const found = await ownKafka();
const HOUR_MS = 3_600_000;
const mechanisms = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;

let kafka: SecuredKafka;
beforeAll(async () => {
  if (found.skipped === undefined) kafka = await startSecuredKafka(found.source);
});
afterAll(() => kafka?.[Symbol.asyncDispose]());

async function withLog<Result>(options: KafkaLogOptions, use: (log: EventLog) => Promise<Result>): Promise<Result> {
  const log = openKafkaLog({ timeoutMs: 3_000, ...options });
  try {
    return await use(log);
  } finally {
    await log.close();
  }
}

/** Makes a topic, sends to it and reads it: every kind of connection that the log opens. */
function expectToWork(options: KafkaLogOptions): Promise<void> {
  return withLog(options, async (log) => {
    const topic = `secured-${randomBytes(6).toString('hex')}`;
    await log.createTopics([{ topic, partitions: 1, cleanup: 'time', retentionMs: HOUR_MS }]);
    const producer = await log.producer();
    await producer.send(topic, 0, [{ key: null, value: Buffer.from('secret') }]);
    const [record] = await readStored(log, topic, 0);
    expect(Buffer.from(record?.value ?? []).toString()).toBe('secret');
  });
}

async function expectToFail(options: KafkaLogOptions, failure: { readonly code: string; readonly message?: unknown }): Promise<void> {
  await withLog(options, (log) => expect(log.describeTopic('secured')).rejects.toMatchObject(failure));
}

describe.skipIf(found.skipped !== undefined)('logging in to a Kafka that is secured', () => {
  it.each(mechanisms)('works by %s with the right password alone', async (mechanism) => {
    await expectToWork({ brokers: [kafka.sasl], sasl: { mechanism, ...USER } });
    await expectToFail({ brokers: [kafka.sasl], sasl: { mechanism, ...USER, password: 'wrong' } }, { code: 'LOG_DENIED' });
  });

  it('works by a bearer token that is still valid', async () => {
    const sasl = (validMs: number): KafkaLogOptions['sasl'] & object => ({
      mechanism: 'oauthbearer',
      token: async () => unsecuredToken('ledger', validMs),
    });
    await expectToWork({ brokers: [kafka.sasl], sasl: sasl(HOUR_MS) });
    await expectToFail({ brokers: [kafka.sasl], sasl: sasl(-HOUR_MS) }, { code: 'LOG_DENIED' });
  });

  it('fails without any login', async () => {
    await expectToFail({ brokers: [kafka.sasl] }, { code: 'LOG_UNAVAILABLE' });
  });

  it('goes on when the session has to be renewed', async () => {
    const tokens: string[] = [];
    const token = async (): Promise<string> => {
      tokens.push(unsecuredToken('ledger', HOUR_MS));
      return tokens.at(-1) ?? '';
    };
    const { authority: caFile } = kafka.certificates;
    await withLog(
      { brokers: [kafka.saslTls], tls: { caFile }, sasl: { mechanism: 'oauthbearer', token }, clientId: 'renewing' },
      async (log) => {
        const topic = 'renewed';
        await log.createTopics([{ topic, partitions: 1, cleanup: 'time', retentionMs: HOUR_MS }]);
        const producer = await log.producer();
        const endMs = performance.now() + SESSION_MS_MAX + 2_000;
        let sent = 0;
        // One record after another, on a connection that the broker would have ended by then.
        while (performance.now() < endMs) {
          expect(await producer.send(topic, 0, [{ key: null, value: Buffer.from('again') }])).toMatchObject({ baseOffset: sent });
          sent += 1;
        }
        expect(tokens.length).toBeGreaterThan(1);
      },
    );
  });
});

describe.skipIf(found.skipped !== undefined)('TLS to Kafka', () => {
  it('takes brokers whose certificate the given authority signed', async () => {
    await expectToWork({ brokers: [kafka.tls], tls: { caFile: kafka.certificates.authority } });
  });

  it('takes brokers by another name when that is the one in the certificate', async () => {
    const { authority: caFile } = kafka.certificates;
    await expectToWork({ brokers: [kafka.tls], tls: { caFile, serverName: 'localhost' } });
    await expectToFail(
      { brokers: [kafka.tls], tls: { caFile, serverName: 'kafka.example' } },
      { code: 'LOG_UNAVAILABLE', message: expect.stringContaining('kafka.example') },
    );
  });

  it('refuses brokers that nobody it trusts has signed', async () => {
    await expectToFail({ brokers: [kafka.tls], tls: true }, { code: 'LOG_UNAVAILABLE', message: expect.stringMatching(/certificate/i) });
  });

  it('shows a certificate to brokers that ask for one', async () => {
    const { authority: caFile, clientCertificate: certFile, clientKey: keyFile } = kafka.certificates;
    await expectToWork({ brokers: [kafka.mutualTls], tls: { caFile, certFile, keyFile } });
    await expectToFail({ brokers: [kafka.mutualTls], tls: { caFile } }, { code: 'LOG_UNAVAILABLE' });
  });

  it.each(mechanisms)('carries a login by %s', async (mechanism) => {
    await expectToWork({ brokers: [kafka.saslTls], tls: { caFile: kafka.certificates.authority }, sasl: { mechanism, ...USER } });
  });
});
