// Two registries that take turns, overtake each other and write too late; compaction in between; readers that begin anywhere: all come to the same documents.
import { createChangeReader, type ChangeReader, type ControlDocument, CLAIM_KEY, encodeControl } from '@tokenledger/control';
import { invariant, isRejected } from '@tokenledger/domain';
import type { OutgoingRecord } from '@tokenledger/event-log';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { signChange, signRepair, type SignedChange } from '../signed-change.ts';
import type { Draft } from './request.ts';
import { createStrays, type Strays } from './strays.ts';

interface Kept {
  readonly offset: number;
  readonly record: OutgoingRecord;
}

/** One partition that can be compacted. */
class Log {
  kept: Kept[] = [];
  end = 0;
  /** Of the newest claim. */
  epoch = 0;
  /** What holds, by who was the owner when it was written: a model without a reader. */
  readonly model = new Map<string, string>();

  append(records: readonly OutgoingRecord[]): number {
    const base = this.end;
    for (const record of records) this.kept.push({ offset: this.end++, record });
    return base;
  }

  from(offset: number, count = Number.POSITIVE_INFINITY): readonly Kept[] {
    return this.kept.filter((one) => one.offset >= offset).slice(0, count);
  }

  /** Takes what a later record of the same key outdates, both below `offset`. */
  compact(offset: number, random: () => boolean): void {
    const newest = new Map<string | null, number>();
    for (const one of this.kept) if (one.offset < offset) newest.set(one.record.key, one.offset);
    this.kept = this.kept.filter((one) => one.offset >= offset || newest.get(one.record.key) === one.offset || random());
  }
}

class Registry {
  readonly reader: ChangeReader = createChangeReader();
  readonly strays: Strays = createStrays();
  /** Of its last claim; 0 before it. */
  epoch = 0;
  #changes = 0;
  readonly #log: Log;
  readonly #name: number;
  readonly #sent: (readonly OutgoingRecord[])[] = [];
  #onItsWay: { readonly epoch: number; readonly drafts: readonly Draft[]; readonly records: readonly OutgoingRecord[] } | undefined;

  constructor(log: Log, name: number) {
    this.#log = log;
    this.#name = name;
  }

  read(): void {
    for (const { offset, record } of this.#log.from(this.reader.nextOffset)) {
      for (const event of this.reader.take({ offset, key: record.key, value: record.value })) this.strays.take(event);
    }
  }

  claim(): void {
    const claim = encodeControl({ claimed_at: '2026-01-01T00:00:00.000Z', claimed_by: String(this.#name) });
    this.epoch = this.#log.append([{ key: CLAIM_KEY, value: claim }]) + 1;
    this.#log.epoch = this.epoch;
    this.read();
  }

  /** Whether it still believes that it may write. */
  get believes(): boolean {
    return this.epoch > 0 && this.reader.epoch <= this.epoch;
  }

  /** Sends a change by what it has read; it arrives when it is delivered. The one before must have been read back, or given up with a new claim. */
  change(ids: readonly number[], deleted: boolean): void {
    this.read();
    if (!this.believes || this.#onItsWay?.epoch === this.epoch) return;
    const drafts = ids.map((id): Draft => {
      const document: ControlDocument = { kind: 'tenant', id: `t${id}`, name: `${this.#name}/${this.epoch}/${this.#changes}` };
      return { kind: 'tenant', id: `t${id}`, action: 'update', document: deleted ? null : document };
    });
    const { records } = signed(signChange(this.reader.records, drafts, this.#signature()));
    this.#onItsWay = { epoch: this.epoch, drafts, records };
  }

  deliver(): void {
    if (this.#onItsWay === undefined) return;
    const { epoch, drafts, records } = this.#onItsWay;
    this.#onItsWay = undefined;
    this.#append(records);
    if (epoch !== this.#log.epoch) return;
    for (const { kind, id, document } of drafts) {
      if (document?.kind === 'tenant') this.#log.model.set(`${kind}/${id}`, document.name);
      else this.#log.model.delete(`${kind}/${id}`);
    }
  }

  /** A send that a client library repeats, or that was delayed on its way, arrives again whenever it likes. */
  again(which: number): void {
    this.#log.append(this.#sent[which % this.#sent.length] ?? []);
  }

  /** Reads, and answers what was written too late. True when nothing is left to answer below this moment. */
  settle(): boolean {
    this.read();
    if (!this.believes || this.epoch === 0) return false;
    const documents = this.strays.documents();
    const changes = this.strays.changes();
    if (documents.length > 0 || changes.length > 0) {
      this.#append(signed(signRepair(this.reader.records, { documents, changes }, this.#signature())).records);
      this.read();
    }
    return this.reader.epoch === this.epoch;
  }

  #signature() {
    this.#changes += 1;
    const digits = `${this.#name}${String(this.#changes).padStart(11, '0')}`;
    const changeId = `00000000-0000-7000-8000-${digits}`;
    return { changeId, epoch: this.epoch, nowMs: 1_767_225_600_000, by: String(this.#name), managedBy: 'api' as const, note: '' };
  }

  #append(records: readonly OutgoingRecord[]): void {
    this.#sent.push(records);
    this.#log.append(records);
  }
}

function signed(change: ReturnType<typeof signChange>): SignedChange {
  invariant(!isRejected(change), 'small changes fit');
  return change;
}

const step = fc.oneof(
  fc.record({ do: fc.constant('claim' as const), who: fc.nat(1) }),
  fc.record({
    do: fc.constant('change' as const),
    who: fc.nat(1),
    ids: fc.uniqueArray(fc.nat(2), { minLength: 1, maxLength: 3 }),
    deleted: fc.boolean(),
  }),
  fc.record({ do: fc.constant('deliver' as const), who: fc.nat(1) }),
  fc.record({ do: fc.constant('again' as const), who: fc.nat(1), which: fc.nat(20) }),
  fc.record({ do: fc.constant('settle' as const), who: fc.nat(1) }),
  fc.record({ do: fc.constant('compact' as const), spare: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }) }),
  fc.record({ do: fc.constant('follow' as const), records: fc.integer({ min: 1, max: 6 }) }),
);

const shown = (reader: ChangeReader): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...reader.records]
      .filter(([, { document }]) => document !== null)
      .map(([key, { document }]): [string, string] => [key, document?.kind === 'tenant' ? document.name : ''])
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );

test('any two owners and any reader come to the same documents, through late writes, repeats and compaction', () => {
  let strays = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 80, size: 'max' }), (steps) => {
      const log = new Log();
      const registries = [new Registry(log, 1), new Registry(log, 2)] as const;
      /** Reads everything as it is written. */
      const witness = createChangeReader();
      /** Reads now and then, and finds compacted what it has not read yet. */
      const follower = createChangeReader();
      const take = (reader: ChangeReader, count?: number): void => {
        for (const { offset, record } of log.from(reader.nextOffset, count)) reader.take({ offset, key: record.key, value: record.value });
      };
      /** Below it everything that was written too late has been answered: compaction lags behind. */
      let answered = 0;
      for (const one of steps) {
        switch (one.do) {
          case 'claim':
            registries[one.who]?.claim();
            break;
          case 'change':
            registries[one.who]?.change(one.ids, one.deleted);
            break;
          case 'deliver':
            registries[one.who]?.deliver();
            break;
          case 'again':
            registries[one.who]?.again(one.which);
            break;
          case 'settle':
            if (registries[one.who]?.settle() === true) answered = log.end;
            break;
          case 'compact':
            log.compact(answered, () => one.spare.pop() ?? false);
            break;
          case 'follow':
            take(follower, one.records);
            break;
        }
        take(witness);
      }
      const [last] = registries;
      last.claim();
      expect(last.settle()).toBe(true);
      take(witness);
      strays += last.strays.documents().length;
      const holds = shown(witness);
      expect(holds, 'what the owners of their time wrote').toEqual(Object.fromEntries(log.model));
      for (let passes = 0; passes < 2; passes += 1) {
        const late = createChangeReader();
        take(late);
        expect(shown(late), 'a reader that begins now').toEqual(holds);
        log.compact(log.end, () => false);
      }
      take(follower);
      expect(shown(follower), 'a reader that lagged').toEqual(holds);
      expect(shown(last.reader), 'the owner').toEqual(holds);
      registries[1].read();
      expect(shown(registries[1].reader), 'the former owner').toEqual(holds);
    }),
    { numRuns: 500 },
  );
  expect(strays, 'the last owner leaves nothing unanswered').toBe(0);
});
