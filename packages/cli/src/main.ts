/** The program `tokenledger`. */
import { endingOf } from './exit.ts';
import { createProgram } from './program.ts';

const EXIT_WAIT_MS = 2_000;

try {
  await createProgram().parseAsync(process.argv);
} catch (error) {
  const ending = endingOf(error);
  if (ending.text !== '') process.stderr.write(`${ending.text}\n`);
  process.exitCode = ending.code;
}

/** Everything has been stopped or given up by now: a handle that somebody left open must not keep the process. */
setTimeout(() => process.exit(), EXIT_WAIT_MS).unref();
