/** `npm run kafka`: a broker for development, until Ctrl-C. Prints the variable that other commands want. `-- --jars`: from jars, whatever else there is. */
import { once } from 'node:events';
import { chooseJars, chooseKafka } from './source.ts';
import { startKafka } from './start.ts';

console.error('starting Kafka …');
const started = await startKafka(process.argv.includes('--jars') ? chooseJars : chooseKafka, { compiler: 'full' });
if (started.kind === 'missing') {
  console.error(started.reason);
  process.exit(1);
}
const { kafka } = started;
console.log(`KAFKA_BROKERS=${kafka.brokers}`);
console.error(
  started.source === 'given' ? 'this one was named by KAFKA_BROKERS and is left as it is' : 'Ctrl-C ends it and removes what it holds',
);
if (started.source !== 'given') {
  const awake = setInterval(() => {}, 60_000);
  await Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal)));
  clearInterval(awake);
  await kafka[Symbol.asyncDispose]();
}
