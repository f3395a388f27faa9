/** Starts the Kafka that a machine can have. */
import { startContainerKafka } from './container-kafka.ts';
import { type JarsKafkaOptions, startJarsKafka } from './jars-kafka.ts';
import { surveyMachine } from './machine.ts';
import { chooseKafka, type KafkaSource, type Machine } from './source.ts';

export interface Kafka extends AsyncDisposable {
  /** host:port, with commas between. */
  readonly brokers: string;
}

export type StartedKafka =
  | { readonly kind: 'started'; readonly kafka: Kafka; readonly source: KafkaSource['kind'] }
  | { readonly kind: 'missing'; readonly reason: string; readonly fails: boolean };

/** Whoever starts it disposes of it; a given one is left as it is. Throws when what was chosen does not start. */
export async function startKafka(
  choose: (machine: Machine) => KafkaSource = chooseKafka,
  jarsOptions: JarsKafkaOptions = {},
): Promise<StartedKafka> {
  const source = choose(await surveyMachine());
  switch (source.kind) {
    case 'given':
      return { kind: 'started', kafka: { brokers: source.brokers, [Symbol.asyncDispose]: async () => {} }, source: source.kind };
    case 'container':
      return { kind: 'started', kafka: await startContainerKafka(), source: source.kind };
    case 'jars':
      return { kind: 'started', kafka: await startJarsKafka(source, jarsOptions), source: source.kind };
    case 'missing':
      return source;
  }
}
