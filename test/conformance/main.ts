/** `npm run conformance -- [--recordings DIR] [--seed N] [--json]`: replays every recorded exchange of a folder through the running product, in five chunkings.
 *  Exit 1 when one of them fails, naming it. */
import { parseArgs } from 'node:util';
import { findRecordings } from '../support/recordings.ts';
import { reportOf, reportText } from './report.ts';
import { runConformance } from './run.ts';
import { DEFAULT_SEED } from './support/chunkings.ts';

const { values } = parseArgs({
  options: {
    recordings: { type: 'string' },
    seed: { type: 'string', default: String(DEFAULT_SEED) },
    json: { type: 'boolean', default: false },
  },
});

const INTERRUPTED = 130;
// By its own exit, so that what was started ends, too.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(INTERRUPTED));

const folder = values.recordings ?? findRecordings();
if (folder === undefined) throw new Error('name a folder of recordings: npm run conformance -- --recordings DIR');
const report = reportOf(await runConformance({ folder, seed: Number(values.seed), say: (line) => console.error(line) }));
console.log(values.json ? JSON.stringify(report, undefined, 2) : reportText(report));
if (report.failed > 0) process.exitCode = 1;
