/** Reads the control topic, record by record, into the documents that hold: whole changes only, and none of an owner that had been replaced.
 *
 *  Every reader comes to the same documents, wherever it begins and whatever compaction has taken:
 *  - A claim is a line in the log: what an owner of an older epoch wrote below it does not count ("stray"). Nor does a version that its own owner has
 *    replaced: a send whose answer was lost may arrive again, long after.
 *  - The owner answers each stray record by writing the version that holds once more, so that the last record of each key always counts.
 *  - The records of a change stand together, documents first. What is missing when another record follows was compacted away, and a newer
 *    version of it stands further on. */
import type { LogRecord } from '@tokenledger/event-log';
import { AUDIT_PREFIX, type AuditRecord, type ControlRecord, type Decoded, decodeControl } from './control-record.ts';

/** Documents of one change that took effect together. */
export interface AppliedChange {
  readonly changeId: string;
  readonly epoch: number;
  readonly records: readonly ControlRecord[];
}

export type ReadEvent =
  | { readonly kind: 'applied'; readonly change: AppliedChange }
  /** Below it only the owner of `epoch` counts. */
  | { readonly kind: 'claimed'; readonly epoch: number; readonly offset: number; readonly by: string }
  | { readonly kind: 'audited'; readonly audit: AuditRecord; readonly offset: number }
  /** Written by an owner that had been replaced, or a late copy of a version that has been replaced: it does not hold. */
  | { readonly kind: 'stray'; readonly stray: ControlRecord | AuditRecord; readonly offset: number }
  /** Not ours, or of a newer version of this program. */
  | { readonly kind: 'unreadable'; readonly key: string | null; readonly offset: number };

export interface ChangeReader {
  /** Takes the next record of the log. What follows from it, in order. */
  take(record: Pick<LogRecord, 'key' | 'value' | 'offset'>): readonly ReadEvent[];
  /** The version of each document that holds, deleted ones included, by `kind/id`. Changes while records are taken. */
  readonly records: ReadonlyMap<string, ControlRecord>;
  /** Of the newest claim or record; 0 before the first. */
  readonly epoch: number;
  /** After the last record taken. */
  readonly nextOffset: number;
}

/** `audit`: also tell of audit records, which most readers have no use for; there is one for each change that ever was. */
export function createChangeReader({ audit = true }: { readonly audit?: boolean } = {}): ChangeReader {
  const records = new Map<string, ControlRecord>();
  let epoch = 0;
  let nextOffset = 0;
  let open: OpenChange | null = null;

  function take({ key, value, offset }: Pick<LogRecord, 'key' | 'value' | 'offset'>): readonly ReadEvent[] {
    nextOffset = offset + 1;
    // A tombstone: compaction is to forget the key.
    if (key === null || value === null) return key === null ? [{ kind: 'unreadable', key, offset }] : [];
    if (!audit && key.startsWith(AUDIT_PREFIX)) return open === null ? [] : [close(open)];
    const decoded = decodeControl(key, value);
    const events = open !== null && !continues(open, decoded) ? [close(open)] : [];
    if (decoded === undefined) return [...events, { kind: 'unreadable', key, offset }];
    return [...events, ...takeDecoded(decoded, key, offset)];
  }

  function takeDecoded(decoded: Decoded, key: string, offset: number): readonly ReadEvent[] {
    if (decoded.kind === 'claim') {
      epoch = Math.max(epoch, offset + 1);
      return [{ kind: 'claimed', epoch, offset, by: decoded.record.claimed_by }];
    }
    if (decoded.record.epoch < epoch || (decoded.kind === 'document' && isReplaced(decoded.record, key))) {
      return [{ kind: 'stray', stray: decoded.record, offset }];
    }
    epoch = decoded.record.epoch;
    if (decoded.kind === 'audit') return [{ kind: 'audited', audit: decoded.record, offset }];
    const { record } = decoded;
    open ??= { changeId: record.change_id, epoch: record.epoch, size: record.change_size, records: new Map() };
    open.records.set(key, record);
    return open.records.size < open.size ? [] : [close(open)];
  }

  function isReplaced({ epoch: of, version }: ControlRecord, key: string): boolean {
    const held = records.get(key);
    return held?.epoch === of && version < held.version;
  }

  function close(change: OpenChange): ReadEvent {
    open = null;
    for (const [key, record] of change.records) records.set(key, record);
    return { kind: 'applied', change: { changeId: change.changeId, epoch: change.epoch, records: [...change.records.values()] } };
  }

  return {
    take,
    records,
    get epoch() {
      return epoch;
    },
    get nextOffset() {
      return nextOffset;
    },
  };
}

interface OpenChange {
  readonly changeId: string;
  readonly epoch: number;
  readonly size: number;
  readonly records: Map<string, ControlRecord>;
}

function continues(open: OpenChange, next: Decoded | undefined): boolean {
  return next?.kind === 'document' && next.record.change_id === open.changeId && next.record.epoch === open.epoch;
}
