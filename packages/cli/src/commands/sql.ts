/** `tokenledger sql`: one query, the answer as ClickHouse formats it. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError } from '@tokenledger/domain';
import { Command } from 'commander';
import { clickhouseUnreachable, clickhouseUrl } from '../clickhouse-address.ts';
import { settingsOf, withExamples, withShared } from '../command-line.ts';
import type { Settings } from '../settings.ts';

const DEFAULT_FORMAT = 'PrettyCompact';

export function sqlCommand(): Command {
  const command = new Command('sql')
    .description('Ask ClickHouse a question and print the answer.')
    .argument('<query>', 'the query, quoted for your shell')
    .option('--format <name>', 'any output format of ClickHouse: PrettyCompact, Vertical, CSVWithNames, JSONEachRow …', DEFAULT_FORMAT)
    .action(async (query: string, options: { readonly format: string }) => {
      await printAnswer(settingsOf(command), query, options.format, process.stdout);
    });
  return withExamples(
    withShared(command, 'config', 'data', 'clickhousePort'),
    ['tokenledger sql "SELECT count() FROM usage_events"', 'how many events there are'],
    ['tokenledger sql --format Vertical "SELECT * FROM usage_events ORDER BY occurred_at DESC LIMIT 1"', 'the newest one'],
  );
}

/** Throws `CLICKHOUSE_UNREACHABLE`, `QUERY_FAILED`. */
async function printAnswer(settings: Settings, query: string, format: string, output: NodeJS.WritableStream): Promise<void> {
  const { database, user, password } = settings.config.clickhouse;
  const url = clickhouseUrl(settings);
  const parameters = new URLSearchParams({ database, default_format: format });
  let answer: Response;
  try {
    answer = await fetch(`${url}/?${parameters.toString()}`, {
      method: 'POST',
      headers: { 'X-ClickHouse-User': user, 'X-ClickHouse-Key': password },
      body: query,
    });
  } catch (error) {
    throw clickhouseUnreachable(settings, url, error);
  }
  if (!answer.ok) throw new AppError('QUERY_FAILED', (await answer.text()).trim());
  if (answer.body !== null) await pipeline(Readable.fromWeb(answer.body), output, { end: false });
}
