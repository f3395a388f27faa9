/** A dead letter as operators name it, and the record that puts it back. Pure. */
import { checkUsageEvent, isRejected, rejected, type Rejected, type UsageEvent } from '@tokenledger/domain';
import type { OutgoingRecord } from '@tokenledger/event-log';
import { decodeRecord, encodePriced, encodeUsageEvent, identityHeaders, usageEventFromJson } from '@tokenledger/schemas';

/** As its row has it: `@` and the origin topic stand for a source that could not be read, and then the number is the origin's offset + 1. */
export interface LetterIdentity {
  readonly source: string;
  readonly partition: number;
  readonly sequence: number;
}

/** `SOURCE/PARTITION/NUMBER`, or `@TOPIC/PARTITION/OFFSET` where source and number could not be read. */
export function letterId({ source, partition, sequence }: LetterIdentity): string {
  return source.startsWith('@') ? `${source}/${sequence - 1}` : `${source}/${partition}/${sequence}`;
}

/** Null when it is no id of a letter. */
export function parseLetterId(id: string): LetterIdentity | null {
  const [, source = '', partition = '', number = ''] = /^(.+)\/(\d{1,6})\/(\d{1,16})$/.exec(id) ?? [];
  if (source === '') return null;
  if (source.startsWith('@')) return { source: `${source}/${partition}`, partition: Number(partition), sequence: Number(number) + 1 };
  return Number(number) === 0 ? null : { source, partition: Number(partition), sequence: Number(number) };
}

/** Who numbers what is put back. Its only number is 1, so that whatever is put back a second time is a repeat. */
export function retrySource(letter: LetterIdentity): string {
  return `retry/${letterId(letter)}`;
}

export interface Retry {
  /** `events`: to be priced. `priced`: as it was priced. */
  readonly to: 'events' | 'priced';
  readonly record: OutgoingRecord;
}

/** `bytes`: a record of the usage topics, or an event as JSON (what `show --event` prints, repaired). The event keeps its id and everything else but who numbered it.
 *  Rejects `UNDECODABLE`, and what `checkUsageEvent` rejects: it would be a dead letter again. */
export function retryOf(letter: LetterIdentity, key: string | null, bytes: Uint8Array): Retry | Rejected {
  const read = readBytes(bytes);
  if (isRejected(read)) return read;
  const identity = { source: retrySource(letter), sequence: 1 };
  const event: UsageEvent = { ...(read.kind === 'priced' ? read.priced.event : read.event), ...identity };
  const refused = checkUsageEvent(event);
  if (refused !== null) return refused;
  const value = read.kind === 'priced' ? encodePriced({ ...read.priced, event }) : encodeUsageEvent(event);
  const record = { key: key ?? event.attribution.virtualKeyId, value, headers: identityHeaders(identity) };
  return { to: read.kind === 'priced' ? 'priced' : 'events', record };
}

const BRACE = 0x7b;

function readBytes(bytes: Uint8Array) {
  const text = Buffer.from(bytes).toString('utf8').trimStart();
  if (text.charCodeAt(0) === BRACE) {
    const event = usageEventFromJson(text);
    return isRejected(event) ? event : ({ kind: 'usage', event } as const);
  }
  const decoded = decodeRecord(bytes);
  if (decoded.kind === 'rejected_event') return rejected('UNDECODABLE', 'it is the record of a rejection, not an event');
  return decoded;
}
