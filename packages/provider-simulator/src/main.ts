/** Runs the simulator as a process of its own: `node main.ts [--port N] [--host H] [--bill FILE] [--seed N]`. Prints its URL, stops on SIGTERM or SIGINT. */
import { parseArgs } from 'node:util';
import { startProviderSimulator } from './simulator.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    host: { type: 'string', default: '127.0.0.1' },
    bill: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
});

const simulator = await startProviderSimulator({
  port: Number(values.port),
  host: values.host,
  seed: Number(values.seed),
  ...(values.bill === undefined ? {} : { billFile: values.bill }),
});
process.stdout.write(`provider simulator on ${simulator.url}\n`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void simulator.close());
