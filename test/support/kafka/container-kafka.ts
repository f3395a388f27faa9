/** One broker in a container, by testcontainers, which removes it however the run ends. */
import { freePort } from '../free-port.ts';
import { waitFor } from '../wait-for.ts';
import { BROKER_SETTINGS, CONTROLLER, PLAIN } from './broker-settings.ts';
import { KAFKA_VERSION } from './jars.ts';
import { answers } from './readiness.ts';

const INNER_PORT = 9092;
const CONTROLLER_PORT = 9093;
const START_MS_MAX = 60_000;

export async function startContainerKafka(): Promise<{ readonly brokers: string } & AsyncDisposable> {
  const { GenericContainer, getContainerRuntimeClient } = await import('testcontainers');
  const { info } = await getContainerRuntimeClient();
  // A broker tells its clients where it is reached, so the outer port has to be known before it starts.
  const port = await freePort();
  const brokers = `${info.containerRuntime.host}:${port}`;
  const settings: Record<string, string> = {
    ...BROKER_SETTINGS,
    listeners: `${PLAIN}://0.0.0.0:${INNER_PORT},${CONTROLLER}://localhost:${CONTROLLER_PORT}`,
    'advertised.listeners': `${PLAIN}://${brokers}`,
    'listener.security.protocol.map': `${PLAIN}:PLAINTEXT,${CONTROLLER}:PLAINTEXT`,
    'controller.quorum.voters': `1@localhost:${CONTROLLER_PORT}`,
  };
  const container = await new GenericContainer(`apache/kafka:${KAFKA_VERSION}`)
    .withEnvironment(Object.fromEntries(Object.entries(settings).map(([name, value]) => [environmentName(name), value])))
    .withExposedPorts({ container: INNER_PORT, host: port })
    .start();
  const stop = async (): Promise<void> => void (await container.stop());
  try {
    await waitFor(() => answers(brokers), { timeoutMs: START_MS_MAX, intervalMs: 100, describe: 'a broker in a container that answers' });
    return { brokers, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** How the image takes a property. */
function environmentName(setting: string): string {
  return `KAFKA_${setting.toUpperCase().replaceAll('.', '_')}`;
}
