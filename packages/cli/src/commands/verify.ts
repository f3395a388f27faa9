/** `tokenledger verify`: compares everything in the ledger that can be compared, and names the first differences. */
import { Command, Option } from 'commander';
import { settingsOf, withExamples, withShared } from '../command-line.ts';
import { EXIT } from '../exit.ts';
import { withLedger } from '../ledger.ts';
import { textTable } from '../registry/text-table.ts';
import { type CheckName, CHECKS } from '../verify/judge.ts';
import { type Verdict, verifyLedger } from '../verify/verify.ts';

interface VerifyOptions {
  readonly format: 'table' | 'json';
  readonly only?: readonly CheckName[];
}

/** Differences that are shown of each check; `--format json` has all. */
const SHOWN_MAX = 5;

export function verifyCommand(): Command {
  const command = new Command('verify')
    .description(
      'Compare rows, numbers, sums, sealed days and the log with each other, also while traffic flows. Exits with 1 when anything differs, and names it.',
    )
    .addOption(new Option('--format <name>', 'how to print it').choices(['table', 'json']).default('table'))
    .addOption(new Option('--only <check...>', 'these checks alone (default: all)').choices(CHECKS))
    .action(async (options: VerifyOptions) => {
      const settings = settingsOf(command);
      const wanted = CHECKS.filter((name) => options.only?.includes(name) ?? true);
      const verdict = await withLedger(settings, { sends: false }, (ledger) => verifyLedger(ledger, wanted));
      console.log(options.format === 'json' ? JSON.stringify(verdictJson(verdict), null, 2) : verdictText(verdict));
      if (!isWell(verdict)) process.exitCode = EXIT.failed;
    });
  return withExamples(
    withShared(command, 'config', 'data', 'clickhousePort'),
    ['tokenledger verify', 'everything'],
    ['tokenledger verify --only completeness rollups --format json', 'what is quick, for a program'],
  );
}

function isWell({ checks }: Verdict): boolean {
  return checks.every(({ differences }) => differences.length === 0);
}

function verdictText({ checks, accounts }: Verdict): string {
  const parts = [
    textTable(
      ['CHECK', 'RESULT', 'COMPARED', 'DIFFERENCES'],
      checks.map(({ name, compared, differences }) => [
        name,
        differences.length === 0 ? 'ok' : 'DIFFERS',
        compared,
        String(differences.length),
      ]),
    ),
  ];
  if (accounts.length > 0)
    parts.push(
      textTable(
        ['GROUP', 'TOPIC', 'PARTITION', 'CONSUMED', 'WRITTEN', 'REJECTED', 'DEAD-LETTERED', 'REPEATS', 'ON THE WAY', 'MISSING'],
        accounts.map((account) => [
          account.group,
          account.topic,
          ...[account.partition, account.consumed, account.written, account.rejected, account.deadLettered].map(String),
          ...[account.repeats, account.onTheWay, account.missing].map(String),
        ]),
      ),
    );
  const lines = checks.flatMap(({ name, differences, notes }) => [
    ...differences.slice(0, SHOWN_MAX).map(({ where, what }) => `${name}: ${where}: ${what}`),
    ...(differences.length > SHOWN_MAX ? [`${name}: … and ${differences.length - SHOWN_MAX} more`] : []),
    ...notes.map((note) => `${name}: ${note}`),
  ]);
  if (lines.length > 0) parts.push(lines.join('\n'));
  return parts.join('\n\n');
}

function verdictJson(verdict: Verdict) {
  return {
    ok: isWell(verdict),
    checks: verdict.checks,
    accounts: verdict.accounts.map(({ deadLettered, onTheWay, ...account }) => ({
      ...account,
      dead_lettered: deadLettered,
      on_the_way: onTheWay,
    })),
  };
}
