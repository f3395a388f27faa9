/** Where the test files of a run ask for the run's one Kafka: a loopback server of the run's main process, which starts it when it is asked first. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type StartedKafka, startKafka } from './start.ts';

/** What the door answers, as JSON. */
export type DoorAnswer =
  | { readonly kind: 'running'; readonly brokers: string }
  | { readonly kind: 'missing'; readonly reason: string; readonly fails: boolean };

export interface Door {
  readonly url: string;
  /** Ends Kafka too, if it was started. */
  close(): Promise<void>;
}

export async function openDoor(start: () => Promise<StartedKafka> = () => startKafka()): Promise<Door> {
  let started: Promise<StartedKafka> | undefined;
  const answer = async (): Promise<DoorAnswer> => {
    try {
      const outcome = await (started ??= start());
      return outcome.kind === 'started' ? { kind: 'running', brokers: outcome.kafka.brokers } : outcome;
    } catch (error) {
      // Chosen, and it does not start: that is nothing to skip over.
      return { kind: 'missing', reason: error instanceof Error ? error.message : String(error), fails: true };
    }
  };
  const server = createServer((_request, response) => {
    void answer().then((body) => response.setHeader('content-type', 'application/json').end(JSON.stringify(body)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    server.close();
    server.closeAllConnections();
    const outcome = await started?.catch(() => undefined);
    if (outcome?.kind === 'started') await outcome.kafka[Symbol.asyncDispose]();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => (closing ??= close()),
  };
}
