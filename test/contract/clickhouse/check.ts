/** What a check of the ClickHouse contract is, and what it works with. */
import type { ClickHouseClient } from '@clickhouse/client';
import type { ClickHouse } from '@tokenledger/clickhouse';
import type { HttpAnswer, HttpQuestion } from './support/http.ts';

/** A server, and a database of the check's own on it. */
export interface ClickHouseHarness {
  /** Of the HTTP interface; credentials stand in it when there are any. */
  readonly url: string;
  readonly database: string;
  /** Asks over plain HTTP, in the check's database unless the parameters name another. */
  readonly ask: (question: HttpQuestion) => Promise<HttpAnswer>;
  /** Asks for rows, each an array of strings. Fails on any other status than 200. */
  readonly rows: (sql: string, params?: Readonly<Record<string, string>>) => Promise<string[][]>;
  /** Runs a statement. Fails on any other status than 200. */
  readonly run: (sql: string, params?: Readonly<Record<string, string>>) => Promise<HttpAnswer>;
  /** Our client, in the check's database. */
  readonly clickhouse: ClickHouse;
  /** The plain client, without our settings, in the check's database. */
  readonly client: ClickHouseClient;
  readonly close: () => Promise<void>;
}

export interface Check {
  /** A sentence. */
  readonly name: string;
  /** Throws when the server breaks the contract. */
  readonly run: (harness: ClickHouseHarness) => Promise<void>;
}

export type MakeHarness = () => Promise<ClickHouseHarness>;
