/** `tokenledger dead-letters`: what was refused and why, and the way back for what was repaired. */
import { readFileSync } from 'node:fs';
import { AppError, isRejected } from '@tokenledger/domain';
import { decodeRecord, usageEventToJson } from '@tokenledger/schemas';
import { Command } from 'commander';
import { settingsOf, withExamples, withShared } from '../command-line.ts';
import { type LetterIdentity, letterId, parseLetterId, retryOf, retrySource } from '../dead-letters/letter.ts';
import { findLetter, listLetters, type RetryState, retryStates, type StoredLetter } from '../dead-letters/stored-letters.ts';
import { type LedgerAccess, withLedger } from '../ledger.ts';
import { textTable } from '../registry/text-table.ts';
import { wholeNumber } from './topics.ts';

const LIST_MAX = 10_000;

export function deadLettersCommand(): Command {
  return new Command('dead-letters')
    .description('Look at messages that were refused, and put a repaired one back.')
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(retryCommand());
}

interface ListOptions {
  readonly code?: string;
  readonly limit: number;
}

function listCommand(): Command {
  const command = new Command('list')
    .description('The newest dead letters: when, why, where they came from, and what became of them.')
    .option('--code <code>', 'those of this code alone; docs/errors.md explains each')
    .option('--limit <n>', 'at most so many', wholeNumber(1, LIST_MAX), 50)
    .action(async (options: ListOptions) => {
      await withLedger(settingsOf(command), { sends: false }, async ({ clickhouse }) => {
        const letters = await listLetters(clickhouse, options);
        const states = await retryStates(
          clickhouse,
          letters.map(({ identity }) => identity),
        );
        console.log(letterTable(letters, states));
      });
    });
  return withExamples(withShared(command, 'config', 'data', 'clickhousePort'), [
    'tokenledger dead-letters list --code UNDECODABLE',
    'what could not be read',
  ]);
}

interface ShowOptions {
  readonly event: boolean;
  readonly bytes: boolean;
}

function showCommand(): Command {
  const command = new Command('show')
    .description('One dead letter: its reason, headers and bytes.')
    .argument('<id>', 'as `list` prints it')
    .option('--event', 'only the event, as JSON that `retry --from` takes once it is repaired', false)
    .option('--bytes', 'only the bytes, as they came', false)
    .action(async (id: string, options: ShowOptions) => {
      const letter = await withLedger(settingsOf(command), { sends: false }, ({ clickhouse }) => requireLetter({ clickhouse }, id));
      if (options.bytes) process.stdout.write(letter.bytes);
      else console.log(options.event ? eventText(letter) : letterText(letter));
    });
  return withExamples(
    withShared(command, 'config', 'data', 'clickhousePort'),
    ['tokenledger dead-letters show ingress-1/3/812', 'why it was refused'],
    ['tokenledger dead-letters show ingress-1/3/812 --event > event.json', 'to repair it'],
  );
}

function retryCommand(): Command {
  const command = new Command('retry')
    .description(
      'Put a dead letter back, repaired or as it is: it is priced and written like any event. Only once: what is put back again is a repeat. Stop `tokenledger up` first; with Kafka everything runs on.',
    )
    .argument('<id>', 'as `list` prints it')
    .option(
      '--from <file>',
      'the repaired event: JSON as `show --event` prints it, or the bytes of a record (default: the bytes of the letter)',
    )
    .action(async (id: string, options: { readonly from?: string }) => {
      await withLedger(settingsOf(command), { sends: true }, async (ledger) => {
        for (const line of await retry(ledger, id, options.from)) console.log(line);
      });
    });
  return withExamples(
    withShared(command, 'config', 'data', 'clickhousePort'),
    ['tokenledger dead-letters retry ingress-1/3/812', 'as it is: what refused it was upgraded'],
    ['tokenledger dead-letters retry ingress-1/3/812 --from event.json', 'repaired'],
  );
}

/** Throws `DEAD_LETTER_UNKNOWN`, `DEAD_LETTER_UNREPAIRED`, `DOCUMENT_FILE_UNREADABLE`. */
async function retry({ log, topics, clickhouse }: LedgerAccess, id: string, from: string | undefined): Promise<readonly string[]> {
  const letter = await requireLetter({ clickhouse }, id);
  const [state] = await retryStates(clickhouse, [letter.identity]);
  const source = retrySource(letter.identity);
  if (state !== undefined && state !== 'none')
    return [`${id} was put back before, as ${source}: it is ${stateText(state)}. Nothing was sent.`];
  const again = retryOf(letter.identity, letter.key === '' ? null : letter.key, from === undefined ? letter.bytes : readFile(from));
  if (isRejected(again))
    throw new AppError(
      'DEAD_LETTER_UNREPAIRED',
      `${id} would be refused again (${again.code}: ${again.message}): repair it and name it with --from`,
    );
  const producer = await log.producer();
  try {
    const topic = again.to === 'priced' ? topics.usagePriced : topics.usageEvents;
    const { baseOffset } = await producer.send(topic, letter.identity.partition, [again.record]);
    return [`${id} is put back as ${source}, number 1, in ${topic}/${letter.identity.partition} at offset ${baseOffset}.`];
  } finally {
    await producer.close();
  }
}

async function requireLetter({ clickhouse }: Pick<LedgerAccess, 'clickhouse'>, id: string): Promise<StoredLetter> {
  const identity: LetterIdentity | null = parseLetterId(id);
  const letter = identity === null ? null : await findLetter(clickhouse, identity);
  if (letter === null)
    throw new AppError('DEAD_LETTER_UNKNOWN', `there is no dead letter '${id}': name one as \`tokenledger dead-letters list\` prints it`);
  return letter;
}

function readFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new AppError('DOCUMENT_FILE_UNREADABLE', `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function letterTable(letters: readonly StoredLetter[], states: readonly RetryState[]): string {
  const rows = letters.map(({ identity, code, originTopic, originPartition, originOffset, recordedAt }, index) => [
    letterId(identity),
    code,
    `${originTopic}/${originPartition} at ${originOffset}`,
    recordedAt,
    stateText(states[index] ?? 'none'),
  ]);
  return textTable(['LETTER', 'CODE', 'ORIGIN', 'RECORDED AT', 'PUT BACK'], rows);
}

function letterText(letter: StoredLetter): string {
  const origin = `${letter.originTopic}/${letter.originPartition} at ${letter.originOffset}`;
  const size = letter.bytes.length === 0 ? 'none here: they stand where it came from' : `${letter.bytes.length}`;
  const fields: readonly (readonly [string, string])[] = [
    ['letter', letterId(letter.identity)],
    ['code', letter.code],
    ['message', letter.message],
    ['origin', origin],
    ['recorded at', letter.recordedAt],
    ['key', letter.key === '' ? '-' : letter.key],
    ...Object.entries(letter.headers).map(([name, value]) => [`header ${name}`, value] as const),
    ['bytes', size],
  ];
  return fields.map(([name, value]) => `${`${name}:`.padEnd(28)}${value}`).join('\n');
}

/** Throws `DEAD_LETTER_UNREPAIRED`. */
function eventText(letter: StoredLetter): string {
  const decoded = decodeRecord(letter.bytes);
  switch (decoded.kind) {
    case 'usage':
      return usageEventToJson(decoded.event);
    case 'priced':
      return usageEventToJson(decoded.priced.event);
    case 'rejected_event':
    case 'rejected':
      throw new AppError('DEAD_LETTER_UNREPAIRED', `no event can be read from ${letterId(letter.identity)}: see its bytes with --bytes`);
  }
}

function stateText(state: RetryState): string {
  switch (state) {
    case 'none':
      return '';
    case 'written':
      return 'written';
    case 'refused':
      return 'refused again';
  }
}
