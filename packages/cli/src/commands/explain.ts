/** `tokenledger explain`: one request's whole story, from the ledger alone. */
import { AppError } from '@tokenledger/domain';
import { Command, Option } from 'commander';
import { settingsOf, withExamples, withShared } from '../command-line.ts';
import { findEvent, findRefused, type FoundEvent, type StoredEvent } from '../explain/stored-event.ts';
import { eventStory } from '../explain/story.ts';
import { type LedgerAccess, withLedger } from '../ledger.ts';

export function explainCommand(): Command {
  const command = new Command('explain')
    .description(
      'Tell what became of one request: who asked for what, which channel served it and why, every attempt with its usage and cost, the prices, and what corrected it later.',
    )
    .argument('<id>', 'id of the event, or the request id that a client was answered with (x-tokenledger-request-id)')
    .addOption(new Option('--format <name>', 'how to print it').choices(['text', 'json']).default('text'))
    .action(async (id: string, options: { readonly format: 'text' | 'json' }) => {
      const found = await withLedger(settingsOf(command), { sends: false }, (ledger) => requireEvent(ledger, id.toLowerCase()));
      console.log(options.format === 'json' ? JSON.stringify(foundJson(found), null, 2) : eventStory(found));
    });
  return withExamples(
    withShared(command, 'config', 'data', 'clickhousePort'),
    ['tokenledger explain 019a3f5e-2c7b-7abc-8def-0123456789ab', 'for people'],
    ['tokenledger explain 019a3f5e-2c7b-7abc-8def-0123456789ab --format json', 'every column of its row'],
  );
}

/** Throws `EVENT_UNKNOWN`. */
async function requireEvent({ clickhouse }: Pick<LedgerAccess, 'clickhouse'>, id: string): Promise<FoundEvent> {
  const found = await findEvent(clickhouse, id);
  if (found !== null) return found;
  const refused = await findRefused(clickhouse, id);
  throw new AppError(
    'EVENT_UNKNOWN',
    refused === null
      ? `no event and no request has the id '${id}' in ClickHouse: it may be on its way for some seconds, its raw row may have left, or it was answered 401, which leaves no event`
      : `event '${id}' was refused (${refused.code}: ${refused.message}): see \`tokenledger dead-letters show ${refused.letter}\``,
  );
}

function foundJson({ event, related }: FoundEvent) {
  return { event: eventJson(event), related: related.map(eventJson) };
}

function eventJson({ columns, nested }: StoredEvent) {
  return { ...columns, ...nested };
}
