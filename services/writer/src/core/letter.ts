/** The dead letter of a record that could not be decoded, as far as the log takes it. Pure. */
import type { OutgoingRecord } from '@tokenledger/event-log';
import { deadLetterHeaders } from '@tokenledger/schemas';
import type { Undecodable } from './classify.ts';

/** `fits`: whether the log takes a record of this size. The reason makes a record larger than it was. When all does not fit, its bytes and then its key and headers stay where the letter says it came from. */
export function letterOf({ record, code, message }: Undecodable, fits: (record: OutgoingRecord) => boolean): OutgoingRecord {
  const headers = deadLetterHeaders(record, { code, message });
  const whole = { key: record.key, value: record.value, headers };
  const withoutBytes = { ...whole, value: null };
  const bare = { key: null, value: null, headers: deadLetterHeaders({ ...record, headers: {} }, { code, message }) };
  return [whole, withoutBytes].find(fits) ?? bare;
}
