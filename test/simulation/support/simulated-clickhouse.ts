/** ClickHouse as its client sees it, in memory: tables of parts, a fence, queries that run and can be killed, a second replica that is behind, and answers that
 *  get lost. It understands the statements that the writer sends and refuses every other. */
import { type Cell, type ClickHouse, ClickHouseQueryError, type InsertOptions, type QueryOptions } from '@tokenledger/clickhouse';
import { AppError, invariant } from '@tokenledger/domain';
import type { Pacing } from '@tokenledger/event-log';
import type { Chance } from './chance.ts';
import type { FaultCounts, FaultKind } from './fault-counts.ts';
import { rowsIn } from './recorded-block.ts';
import { type LedgerRow, LedgerTable, monthOf, type TableName } from './ledger-table.ts';

/** Chances per call, from 0 to 1, and times in milliseconds. */
export interface ClickHouseFaults {
  readonly queryFails: number;
  readonly insertFails: number;
  /** Applied, and the answer is lost. */
  readonly insertResponseLost: number;
  /** Held on the way: the client gives up, the insert arrives up to `heldMsMax` later. */
  readonly insertHeld: number;
  readonly heldMsMax: number;
  /** Some of its parts are there, some are not. */
  readonly insertInParts: number;
  /** The part is lost, the token of the insert is kept. */
  readonly partLostTokenKept: number;
  readonly lagMsMax: number;
  readonly delayMsMax: number;
}

export const NO_CLICKHOUSE_FAULTS: ClickHouseFaults = {
  queryFails: 0,
  insertFails: 0,
  insertResponseLost: 0,
  insertHeld: 0,
  heldMsMax: 0,
  insertInParts: 0,
  partLostTokenKept: 0,
  lagMsMax: 0,
  delayMsMax: 1,
};

export interface NodeContext {
  readonly clock: Pacing;
  readonly chance: Chance;
  readonly counts: FaultCounts;
  faults: ClickHouseFaults;
}

interface Running {
  readonly id: string;
  /** What becomes of it when its time has come. */
  fate: 'applied' | 'cancelled' | 'applied_unheard' | 'lost';
}

type Insert = InsertOptions & { readonly settings?: { readonly insert_deduplication_token?: string } };

const KILL_POLL_MS = 2;
const CONSTRAINT_VIOLATED = 469;
const CANCELLED = 394;

export class SimulatedNode implements ClickHouse {
  readonly url: string;
  readonly database = 'tokenledger';
  readonly usageEvents = new LedgerTable();
  readonly deadLetters = new LedgerTable();
  readonly #context: NodeContext;
  readonly #fence = new Map<string, number>();
  readonly #tokens = new Set<string>();
  readonly #running = new Set<Running>();
  #peers: readonly SimulatedNode[] = [];
  #awayUntilMs = Number.NEGATIVE_INFINITY;
  /** Inserts that are held on the way, and parts that a replica does not have yet. */
  underWay = 0;

  constructor(context: NodeContext, url: string) {
    this.#context = context;
    this.url = url;
  }

  replicateTo(peers: readonly SimulatedNode[]): void {
    this.#peers = peers;
  }

  /** kill -9, and back after `ms`. What was under way is there or not, and nobody is told. */
  crash(ms: number): void {
    this.#awayUntilMs = this.#context.clock.nowMs() + ms;
    for (const running of this.#running) running.fate = this.#context.chance.happens(0.5) ? 'lost' : 'applied_unheard';
  }

  comeBack(): void {
    this.#awayUntilMs = Number.NEGATIVE_INFINITY;
  }

  async query<Row>(sql: string, { params = {} }: QueryOptions = {}): Promise<Row[]> {
    await this.#arrive();
    this.#fail('queryFails', 'the query failed');
    const rows = this.#answer(sql, params);
    await this.#delay();
    return rows as Row[];
  }

  async queryLazily<Row>(sql: string, options: QueryOptions = {}): Promise<Iterable<Row>> {
    return this.query<Row>(sql, options);
  }

  async insertRows(table: string, columns: readonly string[], rows: readonly (readonly Cell[])[], options: Insert = {}) {
    if (table === 'fence') return this.#insert(options, rows.length, () => this.#raise(rows), []);
    const taken = rows.map((row) => letterRow(columns, row));
    return this.#insert(options, rows.length, undefined, taken, tableName(table));
  }

  async insertBlock(table: string, block: Parameters<ClickHouse['insertBlock']>[1], options: Insert = {}) {
    const rows = rowsIn(block).map((row): LedgerRow => {
      const { source, sequence, occurredAtMs } = row.priced.event;
      return { ...row, source, sequence, month: monthOf(occurredAtMs) };
    });
    return this.#insert(options, rows.length, undefined, rows, tableName(table));
  }

  async kill(prefix: string, options: { readonly waitMs?: number } = {}): Promise<void> {
    await this.#arrive();
    const { clock, chance } = this.#context;
    const deadlineMs = clock.nowMs() + (options.waitMs ?? 1_000);
    // One that is about to end ends before it sees that it is killed.
    for (const running of this.#running)
      if (running.id.startsWith(prefix) && running.fate === 'applied' && chance.happens(0.7)) running.fate = 'cancelled';
    while ([...this.#running].some(({ id }) => id.startsWith(prefix))) {
      if (clock.nowMs() > deadlineMs) throw new AppError('CLICKHOUSE_KILL_TIMEOUT', 'Simulated: still running.', { retryable: true });
      await clock.wait(KILL_POLL_MS);
    }
    await this.#delay();
  }

  async ping(): Promise<void> {
    await this.#arrive();
  }

  command(): Promise<void> {
    return Promise.reject(new Error('the simulated ClickHouse takes no commands'));
  }

  createDatabase(): Promise<void> {
    return Promise.reject(new Error('the simulated ClickHouse has its database'));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** A part that another replica has made. */
  take(name: TableName, rows: readonly LedgerRow[]): void {
    this.#table(name).addPart(rows);
  }

  async #insert(options: Insert, count: number, raise: (() => void) | undefined, rows: readonly LedgerRow[], name?: TableName) {
    const { clock, chance, counts, faults } = this.#context;
    await this.#arrive();
    this.#fail('insertFails', 'the insert failed');
    if (chance.happens(faults.insertHeld)) {
      counts.add('insertHeld');
      this.underWay += 1;
      void this.#heldFor(chance.between(0, faults.heldMsMax), () => this.#execute(options, count, raise, rows, name));
      await clock.wait(chance.between(0, faults.heldMsMax / 4));
      throw unavailable('the insert got no answer');
    }
    const written = await this.#execute(options, count, raise, rows, name);
    await this.#delay();
    this.#fail('insertResponseLost', 'the answer to an insert was lost');
    return written;
  }

  async #heldFor(ms: number, execute: () => Promise<unknown>): Promise<void> {
    await this.#context.clock.wait(ms);
    // Nobody hears how it ends: applied, or refused by the fence.
    await execute().catch(() => undefined);
    this.underWay -= 1;
  }

  async #execute(options: Insert, count: number, raise: (() => void) | undefined, rows: readonly LedgerRow[], name?: TableName) {
    const { clock, chance, faults } = this.#context;
    const token = options.settings?.insert_deduplication_token;
    if (raise !== undefined) {
      raise();
      return { writtenRows: count };
    }
    if (name === undefined) throw new Error('an insert names its table');
    const running: Running = { id: options.queryId ?? '', fate: chance.happens(faults.partLostTokenKept) ? 'lost' : 'applied' };
    this.#running.add(running);
    try {
      // Whether the fence lets it pass is asked when it begins: one that runs already has to be killed.
      this.#checkFence(rows);
      await clock.wait(chance.between(0, faults.delayMsMax * 4));
      this.#end(running, rows, name, token);
    } finally {
      this.#running.delete(running);
    }
    return { writtenRows: count };
  }

  #end({ fate }: Running, rows: readonly LedgerRow[], name: TableName, token: string | undefined): void {
    switch (fate) {
      case 'cancelled':
        throw new ClickHouseQueryError('CLICKHOUSE_QUERY_FAILED', CANCELLED, 'Query was cancelled', undefined);
      case 'lost':
        // The token of a part is recorded before the part is.
        for (const { month } of rows) this.#isRepeat(token, month);
        this.#context.counts.add('partLostTokenKept');
        throw unavailable('it died with an insert in hand');
      case 'applied_unheard':
      case 'applied':
        this.#apply(rows, name, token);
        if (fate === 'applied_unheard') throw unavailable('it died after an insert');
    }
  }

  /** A part for each month; an insert that makes several can end between them. */
  #apply(rows: readonly LedgerRow[], name: TableName, token: string | undefined): void {
    const { chance, counts, faults } = this.#context;
    const months = Map.groupBy(rows, ({ month }) => month);
    const cut = months.size > 1 && chance.happens(faults.insertInParts) ? chance.integer(1, months.size) : months.size;
    let made = 0;
    for (const [month, part] of months) {
      if (made === cut) {
        counts.add('insertInParts');
        throw unavailable('it died between the parts of an insert');
      }
      made += 1;
      if (this.#isRepeat(token, month)) continue;
      this.#table(name).addPart(part);
      for (const peer of this.#peers) void this.#replicate(peer, name, part);
    }
  }

  /** Whether a part with this token was inserted before; notes it. */
  #isRepeat(token: string | undefined, month: number): boolean {
    if (token === undefined) return false;
    const key = `${token}/${month}`;
    if (this.#tokens.has(key)) return true;
    this.#tokens.add(key);
    return false;
  }

  async #replicate(peer: SimulatedNode, name: TableName, part: readonly LedgerRow[]): Promise<void> {
    const { clock, chance, counts, faults } = this.#context;
    this.underWay += 1;
    const lags = faults.lagMsMax > 0 && chance.happens(0.1);
    if (lags) counts.add('replicaLags');
    await clock.wait(chance.between(0, lags ? faults.lagMsMax : faults.delayMsMax * 4));
    peer.take(name, part);
    this.underWay -= 1;
  }

  #checkFence(rows: readonly LedgerRow[]): void {
    for (const { epoch, logTopic, logPartition } of rows) {
      if (epoch >= (this.#fence.get(`${logTopic}/${logPartition}`) ?? 0)) continue;
      throw new ClickHouseQueryError('FENCED', CONSTRAINT_VIOLATED, 'Constraint `fence` is violated', undefined);
    }
  }

  #raise(rows: readonly (readonly Cell[])[]): void {
    for (const [stream, partition, epoch] of rows) {
      const key = `${text(stream)}/${text(partition)}`;
      if (Number(epoch) < (this.#fence.get(key) ?? 0)) {
        throw new ClickHouseQueryError('CLICKHOUSE_QUERY_FAILED', CONSTRAINT_VIOLATED, 'Constraint `up` is violated', undefined);
      }
      this.#fence.set(key, Number(epoch));
    }
  }

  /** Told apart by what is asked with them; the text may be put otherwise. */
  #answer(sql: string, params: Readonly<Record<string, unknown>>): readonly object[] {
    const partition = Number(params['log_partition']);
    if (sql.includes('joinGet(')) return [{ epoch: String(this.#fence.get(`${text(params['stream'])}/${partition}`) ?? 0) }];
    const name = /\bFROM (usage_events|dead_letters)\b/.exec(sql)?.[1];
    const sources = params['sources'] as readonly string[] | undefined;
    const partitions = params['partitions'] as readonly number[] | undefined;
    if (sources !== undefined && partitions !== undefined) return this.#lanes(sources, partitions, params);
    invariant(name !== undefined && sources !== undefined, `the simulated ClickHouse understands: ${sql}`);
    const table = this.#table(tableName(name));
    const scope = sql.includes('log_topic =') ? text(params['log_topic']) : null;
    const numbers = params['numbers'] as readonly number[] | undefined;
    return numbers === undefined ? table.bounds(partition, scope, sources) : table.present(partition, scope, sources, numbers);
  }

  /** How far lanes have landed: their highest numbers, or what is missing of one. */
  #lanes(sources: readonly string[], partitions: readonly number[], params: Readonly<Record<string, unknown>>): readonly object[] {
    const after = params['after'] === undefined ? undefined : Number(params['after']);
    return sources.flatMap((source) =>
      partitions.flatMap((partition) => {
        const numbers = [...new Set([...this.usageEvents.numbers(partition, source), ...this.deadLetters.numbers(partition, source)])];
        if (numbers.length === 0) return [];
        numbers.sort((one, other) => one - other);
        if (after !== undefined) return [pageOf(numbers, after)];
        return [{ source, log_partition: partition, highest: String(numbers.at(-1)), distinct: String(numbers.length) }];
      }),
    );
  }

  #table(name: TableName): LedgerTable {
    return name === 'usage_events' ? this.usageEvents : this.deadLetters;
  }

  async #arrive(): Promise<void> {
    await this.#delay();
    if (this.#context.clock.nowMs() < this.#awayUntilMs) throw unavailable('it is away');
  }

  #delay(): Promise<void> {
    const { clock, chance, faults } = this.#context;
    return clock.wait(chance.between(0, faults.delayMsMax));
  }

  #fail(fault: FaultKind & keyof ClickHouseFaults, what: string): void {
    const { chance, counts, faults } = this.#context;
    if (!chance.happens(faults[fault])) return;
    counts.add(fault);
    throw unavailable(what);
  }
}

function tableName(name: string): TableName {
  if (name === 'usage_events' || name === 'dead_letters') return name;
  throw new Error(`the simulated ClickHouse has no table ${name}`);
}

function pageOf(numbers: readonly number[], after: number): object {
  const edges = [after, ...numbers.filter((number) => number > after)];
  const missing = edges.flatMap((edge, index) => {
    const before = edges[index - 1] ?? edge;
    return edge - before > 1 ? [[String(before + 1), String(edge - 1)]] : [];
  });
  return { below: String(numbers.length - edges.length + 1), last: String(edges.at(-1)), missing };
}

function letterRow(columns: readonly string[], row: readonly Cell[]): LedgerRow {
  const cell = (name: string): Cell => row[columns.indexOf(name)] ?? null;
  return {
    source: text(cell('source')),
    sequence: Number(cell('sequence')),
    logTopic: text(cell('log_topic')),
    logPartition: Number(cell('log_partition')),
    epoch: Number(cell('epoch')),
    month: 0,
    priced: null,
  };
}

function text(cell: unknown): string {
  invariant(typeof cell === 'string' || typeof cell === 'number', 'what names a lane is text or a number');
  return String(cell);
}

function unavailable(what: string): AppError {
  return new AppError('CLICKHOUSE_UNAVAILABLE', `Simulated ClickHouse: ${what}.`, { retryable: true });
}
