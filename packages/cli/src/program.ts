/** All commands of the program. */
import { Command } from 'commander';
import { adjustCommand } from './commands/adjust.ts';
import { applyCommand } from './commands/apply.ts';
import { auditCommand } from './commands/audit.ts';
import { deadLettersCommand } from './commands/dead-letters.ts';
import { deleteCommand } from './commands/delete.ts';
import { doctorCommand } from './commands/doctor.ts';
import { eventsCommand } from './commands/events.ts';
import { explainCommand } from './commands/explain.ts';
import { getCommand } from './commands/get.ts';
import { journalCommand } from './commands/journal.ts';
import { keysCommand } from './commands/keys.ts';
import { migrateCommand } from './commands/migrate.ts';
import { modelsCommand } from './commands/models.ts';
import { offsetsCommand } from './commands/offsets.ts';
import { ownersCommand } from './commands/owners.ts';
import { pricesCommand } from './commands/prices.ts';
import { rerateCommand } from './commands/rerate.ts';
import { resetCommand } from './commands/reset.ts';
import { runCommand } from './commands/run.ts';
import { sourcesCommand } from './commands/sources.ts';
import { sqlCommand } from './commands/sql.ts';
import { topicsCommand } from './commands/topics.ts';
import { upCommand } from './commands/up.ts';
import { verifyCommand } from './commands/verify.ts';
import { whatifCommand } from './commands/whatif.ts';
import { withExamples } from './command-line.ts';
import { VERSION } from './version.ts';

export function createProgram(): Command {
  const program = new Command('tokenledger')
    .description('A streaming event pipeline for token accounting: one billable event per LLM request, priced and queryable.')
    .version(VERSION, '--version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .addCommand(upCommand())
    .addCommand(runCommand())
    .addCommand(migrateCommand())
    .addCommand(doctorCommand())
    .addCommand(topicsCommand())
    .addCommand(offsetsCommand())
    .addCommand(journalCommand())
    .addCommand(sourcesCommand())
    .addCommand(applyCommand())
    .addCommand(getCommand())
    .addCommand(deleteCommand())
    .addCommand(keysCommand())
    .addCommand(ownersCommand())
    .addCommand(auditCommand())
    .addCommand(modelsCommand())
    .addCommand(pricesCommand())
    .addCommand(rerateCommand())
    .addCommand(adjustCommand())
    .addCommand(whatifCommand())
    .addCommand(sqlCommand())
    .addCommand(eventsCommand())
    .addCommand(explainCommand())
    .addCommand(verifyCommand())
    .addCommand(deadLettersCommand())
    .addCommand(resetCommand());
  withExamples(
    program,
    ['tokenledger up', 'everything in one process, with a demo'],
    ['tokenledger sql "SELECT count() FROM usage_events"', 'ask the ledger'],
    ['tokenledger up --help', 'what a command can do'],
  );
  throwInsteadOfExit(program);
  return program;
}

/** Subcommands do not take this from their parent when they are added ready-made. */
function throwInsteadOfExit(command: Command): void {
  command.exitOverride().showHelpAfterError('See --help.');
  for (const child of command.commands) throwInsteadOfExit(child);
}
