/** Kafka for tests: one broker for a whole run, started when a test first asks. Everybody owns a topic prefix and groups of their own in it. */
import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import type { DoorAnswer } from './door.ts';
import { surveyMachine } from './machine.ts';
import { chooseJars, type KafkaSource } from './source.ts';

export type SharedKafka =
  /** `brokers`: host:port, with commas between, as in KAFKA_BROKERS. */
  { readonly skipped: undefined; readonly brokers: string } | { readonly skipped: string };

/** Longer than a start with a fetch of the jars takes. */
const ANSWER_MS_MAX = 300_000;

/** The run's Kafka, or why there is none. Throws instead under CI=true, and when one was found that does not start.
 *
 *      const kafka = await sharedKafka();
 *      describe.skipIf(kafka.skipped !== undefined)('on Kafka', () => { … requireBrokers(kafka) … }); */
export async function sharedKafka(): Promise<SharedKafka> {
  const response = await fetch(inject('kafkaDoor'), { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
  const answer = (await response.json()) as DoorAnswer;
  if (answer.kind === 'running') return { skipped: undefined, brokers: answer.brokers };
  if (answer.fails) throw new Error(answer.reason);
  console.warn(`skipped: ${answer.reason}`);
  return { skipped: answer.reason };
}

/** For inside a suite that runs only when Kafka is there: its brokers one by one. */
export function requireBrokers(kafka: SharedKafka): readonly string[] {
  if (kafka.skipped !== undefined) throw new Error(kafka.skipped);
  return kafka.brokers.split(',').map((broker) => broker.trim());
}

/** A prefix for topics and groups that nobody else has. */
export function ownPrefix(purpose: string): string {
  return `test-${purpose}-${randomBytes(6).toString('hex')}.`;
}

export type OwnKafka =
  | { readonly skipped: undefined; readonly source: KafkaSource & { readonly kind: 'jars' } }
  | { readonly skipped: string };

/** What a broker with settings of a test's own is started from (`startJarsKafka`), whatever the run's Kafka is; or why there is none. Throws instead under CI=true. */
export async function ownKafka(): Promise<OwnKafka> {
  const source = chooseJars(await surveyMachine());
  if (source.kind === 'jars') return { skipped: undefined, source };
  if (source.fails) throw new Error(source.reason);
  console.warn(`skipped: ${source.reason}`);
  return { skipped: source.reason };
}
