/** HTTP sessions (`session_id`): a connection that stays, for temporary tables and `SET`. Settings in a request's URL end with the request here too. */
import { quoteName, quoteString } from '../sql/quote.ts';
import { type Engine, type EngineConnection, readRows } from './engine.ts';
import { EngineError } from './engine-error.ts';
import type { QueryRequest } from './request.ts';

interface HeldSession {
  readonly connection: EngineConnection;
  busy: boolean;
  expiry: NodeJS.Timeout | undefined;
}

export class Sessions {
  readonly #engine: Engine;
  readonly #defaults: Readonly<Record<string, string>>;
  readonly #countMax: number;
  readonly #held = new Map<string, HeldSession>();

  constructor(engine: Engine, defaults: Readonly<Record<string, string>>, countMax: number) {
    this.#engine = engine;
    this.#defaults = defaults;
    this.#countMax = countMax;
  }

  /** One request at a time per session, as in ClickHouse. Throws `SESSION_IS_LOCKED`, `SESSION_NOT_FOUND`, `TOO_MANY_SIMULTANEOUS_QUERIES`. */
  async use<T>(
    session: NonNullable<QueryRequest['session']>,
    changed: Iterable<string>,
    work: (connection: EngineConnection) => Promise<T>,
  ): Promise<T> {
    const held = this.#find(session);
    if (held.busy) throw EngineError.refusal('SESSION_IS_LOCKED', `Session ${session.id} is locked by a concurrent client.`);
    held.busy = true;
    clearTimeout(held.expiry);
    try {
      const restore = await readSettings(held.connection, changed);
      try {
        return await work(held.connection);
      } finally {
        if (restore !== '') await held.connection.query(restore, 'Null');
      }
    } finally {
      held.busy = false;
      held.expiry = setTimeout(() => this.#close(session.id, held), session.timeoutMs);
    }
  }

  closeAll(): void {
    for (const [id, held] of this.#held) this.#close(id, held);
  }

  #find(session: NonNullable<QueryRequest['session']>): HeldSession {
    const found = this.#held.get(session.id);
    if (found) return found;
    if (session.check) throw EngineError.refusal('SESSION_NOT_FOUND', `Session ${session.id} not found.`);
    if (this.#held.size >= this.#countMax)
      throw EngineError.refusal('TOO_MANY_SIMULTANEOUS_QUERIES', `Too many sessions: ${this.#countMax} are open already.`);
    const held: HeldSession = { connection: this.#engine.connect(this.#defaults), busy: false, expiry: undefined };
    this.#held.set(session.id, held);
    return held;
  }

  #close(id: string, held: HeldSession): void {
    clearTimeout(held.expiry);
    this.#held.delete(id);
    held.connection.close();
  }
}

/** SQL that puts the named settings back as they are now. */
async function readSettings(connection: EngineConnection, names: Iterable<string>): Promise<string> {
  const list = [...names].map(quoteString);
  if (list.length === 0) return '';
  const { bytes } = await connection.query(
    `SELECT name, value, changed FROM system.settings WHERE name IN (${list.join(', ')})`,
    'JSONCompactEachRow',
  );
  const rows = readRows<readonly [string, string, number]>(bytes);
  if (rows.length === 0) return '';
  return `SET ${rows.map(([name, value, changed]) => `${quoteName(name)} = ${changed ? quoteString(value) : 'DEFAULT'}`).join(', ')}`;
}
