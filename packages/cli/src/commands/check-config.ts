/** `--check-config`: validates the settings and documents, starts nothing. */
import { type Command, Option } from 'commander';
import { settingsOf } from '../command-line.ts';
import { checkDocuments } from '../control-view.ts';
import { isDemo } from '../demo/documents.ts';
import { EXIT, problemLines } from '../exit.ts';

export function checkConfigOption(): Option {
  return new Option('--check-config', 'check settings and documents, start nothing; exit code 0 or 2');
}

/** Prints every problem on a line of its own. Secrets are not looked for: a file can be checked where they are not. */
export function checkedConfig(command: Command, mayBeDemo: boolean): void {
  try {
    const settings = settingsOf(command);
    const summary = checkDocuments(settings, { demo: mayBeDemo && isDemo(settings), secrets: 'none' });
    for (const warning of settings.warnings) console.error(`tokenledger: ${warning}`);
    console.log(`${settings.file ?? 'no config file'}: valid (${summary})`);
  } catch (error) {
    console.error(problemLines(error));
    process.exitCode = EXIT.wrongSetting;
  }
}
