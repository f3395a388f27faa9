/** A process that reads a topic with kafkajs and does nothing with it: `bare-consumer.ts BROKERS TOPIC GROUP COUNT`. Prints its time and CPU, in milliseconds. */
import { Kafka, logLevel } from 'kafkajs';

const [brokers = '', topic = '', groupId = '', count = '0'] = process.argv.slice(2);
const expected = Number(count);
const kafka = new Kafka({ clientId: 'bare-consumer', brokers: brokers.split(','), logLevel: logLevel.ERROR });
const consumer = kafka.consumer({ groupId });
let seen = 0;
let startedMs = 0;
let cpuBefore = process.cpuUsage();
const { promise: done, resolve } = Promise.withResolvers<void>();
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
await consumer.run({
  partitionsConsumedConcurrently: 4,
  eachBatch: async ({ batch }) => {
    if (seen === 0) {
      startedMs = performance.now();
      cpuBefore = process.cpuUsage();
    }
    seen += batch.messages.length;
    if (seen >= expected) resolve();
  },
});
await done;
const { user, system } = process.cpuUsage(cpuBefore);
process.stdout.write(`${JSON.stringify({ events: seen, ms: performance.now() - startedMs, cpuMs: (user + system) / 1000 })}\n`);
await consumer.disconnect();
