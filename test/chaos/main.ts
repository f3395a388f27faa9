/** `npm run chaos -- --seed S --kills K [--rate R] [--json]`: kills and spoils a running system and holds its ledger against the provider's bill. Exit 1 on any difference.
 *  Ctrl-C ends the killing, not the verdict. */
import { parseArgs } from 'node:util';
import { IN_WORK_SHARE_MIN, reportText } from './report.ts';
import { runChaos } from './run.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    kills: { type: 'string', default: '20' },
    rate: { type: 'string', default: '30' },
    json: { type: 'boolean', default: false },
  },
});

const INTERRUPTED = 130;

/** Each process that runs has a listener that ends it with this one. */
process.setMaxListeners(0);

const stop = new AbortController();
process.once('SIGINT', () => {
  stop.abort();
  process.once('SIGINT', () => process.exit(INTERRUPTED));
});
// By its own exit, so that what was started ends, too.
process.once('SIGTERM', () => process.exit(INTERRUPTED));

const report = await runChaos({
  seed: Number(values.seed),
  kills: Number(values.kills),
  requestsPerSecond: Number(values.rate),
  stop: stop.signal,
  say: (line) => console.error(line),
});
console.log(values.json ? JSON.stringify(report, undefined, 2) : reportText(report));
if (report.differences.length > 0) process.exitCode = 1;
if (report.kills_in_work < report.kills * IN_WORK_SHARE_MIN) {
  console.error(`only ${report.kills_in_work} of ${report.kills} kills met something in hand`);
  process.exitCode = 1;
}
