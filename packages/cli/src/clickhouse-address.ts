/** Where ClickHouse answers for a command that did not start it itself. */
import { AppError } from '@tokenledger/domain';
import { localUrl, readRunNote } from '@tokenledger/runtime';
import type { Settings } from './settings.ts';

/** The configured server, else the embedded one: on the port that a flag names, of the process that runs on the data directory, or where it would be. */
export function clickhouseUrl(settings: Settings): string {
  const { url, host, port } = settings.config.clickhouse;
  if (url !== '') return url;
  const named = settings.origins.get('clickhouse.port')?.kind === 'flag' && port !== 0;
  return named ? localUrl(host, port) : (readRunNote(settings.layout)?.urls.clickhouse ?? localUrl(host, port));
}

/** What to say when nothing answers there. */
export function clickhouseUnreachable(settings: Settings, url: string, cause: unknown): AppError {
  const fix =
    settings.config.clickhouse.url === '' ? 'start `tokenledger up` on this data directory' : 'correct clickhouse.url or start that server';
  return new AppError('CLICKHOUSE_UNREACHABLE', `ClickHouse does not answer at ${url}: ${fix}`, { retryable: true, cause });
}
