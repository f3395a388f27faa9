/** A thread that runs the ranges of seeds it is given. */
import { parentPort } from 'node:worker_threads';
import { type Range, runRange } from './run-range.ts';

parentPort?.on('message', (range: Range) => {
  void runRange(range).then((report) => parentPort?.postMessage(report));
});
