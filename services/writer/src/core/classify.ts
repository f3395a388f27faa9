/** What a record becomes: a row of `usage_events`, of `dead_letters` or of `audit_log`, or a dead letter to be sent. Pure. */
import type { LogRecord } from '@tokenledger/event-log';
import type { PricedEvent, RejectedEvent } from '@tokenledger/domain';
import { decodeRecord, type Identity, readDeadLetter, readIdentity } from '@tokenledger/schemas';
import { whyRefused } from './acceptable.ts';
import { deadLetterRow } from './dead-letter-row.ts';
import type { Numbered, NumberedRow } from './decide.ts';
import type { EventBlock } from '../event-block.ts';
import type { RowOwner } from './row.ts';

export interface Classified {
  /** The records of events. Their rows were appended to the block, in this order. */
  readonly events: readonly Numbered<LogRecord>[];
  readonly deadLetters: readonly NumberedRow[];
  readonly audits: readonly NumberedRow[];
  /** Could not be decoded: they go to the dead-letter topic. */
  readonly undecodable: readonly Undecodable[];
}

export interface Undecodable {
  readonly record: LogRecord;
  readonly code: string;
  readonly message: string;
}

/** Appends the rows of events to `block` as it reads them: an event that lives no longer than its turn costs the collector half of one that waits for its batch. */
export type Classify = (records: readonly LogRecord[], owner: RowOwner, block: EventBlock) => Classified;

const NO_BYTES = new Uint8Array(0);

/** Records of `usage.priced`. */
export const classifyPriced: Classify = (records, owner, block) => {
  const events: Numbered<LogRecord>[] = [];
  const deadLetters: NumberedRow[] = [];
  const undecodable: Undecodable[] = [];
  for (const record of records) {
    const decoded = decodeRecord(record.value ?? NO_BYTES);
    switch (decoded.kind) {
      case 'priced':
        placePriced(decoded.priced, record);
        break;
      case 'rejected_event':
        deadLetters.push(rejectedRow(decoded.rejected, record, owner));
        break;
      case 'usage':
        undecodable.push({ record, code: 'RECORD_UNEXPECTED', message: 'a usage event that was not priced' });
        break;
      case 'rejected':
        undecodable.push({ record, code: decoded.code, message: decoded.message });
        break;
    }
  }
  return { events, deadLetters, audits: [], undecodable };

  function placePriced(priced: PricedEvent, record: LogRecord): void {
    const refused = whyRefused(priced);
    if (refused === null) {
      block.append(priced, owner);
      events.push({ source: priced.event.source, sequence: priced.event.sequence, row: record });
      return;
    }
    const identity = identityOf(priced.event) ?? readIdentity(record.headers);
    const { code, message } = refused;
    deadLetters.push(deadLetterRow({ record, identity, code, message, origin: record, originalBytes: record.value ?? NO_BYTES }, owner));
  }
};

/** Records of `usage.dead-letter`. Each becomes a row, readable or not: a dead letter is never dead-lettered. */
export const classifyDeadLetters: Classify = (records, owner) => ({
  events: [],
  audits: [],
  deadLetters: records.map((record) => {
    const letter = readDeadLetter(record.headers) ?? {
      code: 'DEAD_LETTER_UNREADABLE',
      message: 'its headers do not say why it was refused',
      origin: record,
    };
    return deadLetterRow({ record, identity: readIdentity(record.headers), ...letter, originalBytes: record.value ?? NO_BYTES }, owner);
  }),
  undecodable: [],
});

function rejectedRow(event: RejectedEvent, record: LogRecord, owner: RowOwner): NumberedRow {
  const { code, message, originalBytes } = event;
  const named = isCount(event.originPartition) && isCount(event.originOffset);
  const origin = named ? { topic: event.originTopic, partition: event.originPartition, offset: event.originOffset } : record;
  return deadLetterRow({ record, identity: identityOf(event), code, message, origin, originalBytes }, owner);
}

/** Null when rows cannot be counted by it. */
function identityOf({ source, sequence }: Identity): Identity | null {
  return source !== '' && isCount(sequence) && sequence > 0 ? { source, sequence } : null;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
