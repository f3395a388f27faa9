/** The admin API of the registry, as the commands call it. */
import { type ErrorAnswer, errorAnswerSchema, type Issue } from '@tokenledger/control';
import { AppError } from '@tokenledger/domain';
import type { z } from 'zod';

const ANSWER_TIMEOUT_MS = 30_000;

/** What the registry refused, and why; `code` is its own. */
export class RegistryRefusal extends AppError {
  readonly issues: readonly Issue[];

  constructor({ code, message, issues }: ErrorAnswer['error']) {
    super(code, message);
    this.name = 'RegistryRefusal';
    this.issues = issues;
  }

  /** One line, or one for each issue: path, code, message. */
  lines(): readonly string[] {
    const placed = this.issues.filter(({ path }) => path !== '');
    if (placed.length === 0) return [`the registry refused: ${this.code}: ${this.message}`];
    return ['the registry refused, and nothing was changed:', ...placed.map(({ path, code, message }) => `  ${path}: ${code}: ${message}`)];
  }
}

/** Values that are undefined are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface RegistryClient {
  readonly url: string;
  /** All throw `RegistryRefusal`, `REGISTRY_UNREACHABLE`, `REGISTRY_ANSWER_UNKNOWN`. */
  get<Answer>(path: string, query: Query, answer: z.ZodType<Answer>): Promise<Answer>;
  post<Answer>(path: string, body: unknown, answer: z.ZodType<Answer>): Promise<Answer>;
  delete<Answer>(path: string, query: Query, answer: z.ZodType<Answer>): Promise<Answer>;
}

export function registryClient(url: string, token: string): RegistryClient {
  async function call<Answer>(method: string, path: string, query: Query, body: unknown, answer: z.ZodType<Answer>): Promise<Answer> {
    const response = await send(`${url}${path}${queryText(query)}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw refusalOf(response.status, response.json);
    const parsed = answer.safeParse(response.json);
    if (!parsed.success) throw unknownAnswer(`to ${method} ${path}`, parsed.error);
    return parsed.data;
  }

  async function send(
    target: string,
    init: RequestInit,
  ): Promise<{ readonly ok: boolean; readonly status: number; readonly json: unknown }> {
    let text: string;
    let response: Response;
    try {
      response = await fetch(target, { ...init, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
      text = await response.text();
    } catch (cause) {
      const fix = 'start `tokenledger up`, or name the registry with --registry URL (TOKENLEDGER_REGISTRY_URL)';
      throw new AppError('REGISTRY_UNREACHABLE', `the registry does not answer at ${url}: ${fix}`, { cause });
    }
    try {
      return { ok: response.ok, status: response.status, json: JSON.parse(text) as unknown };
    } catch (cause) {
      throw unknownAnswer(`with status ${response.status}`, cause);
    }
  }

  function refusalOf(status: number, json: unknown): AppError {
    const parsed = errorAnswerSchema.safeParse(json);
    return parsed.success ? new RegistryRefusal(parsed.data.error) : unknownAnswer(`with status ${status}`, parsed.error);
  }

  function unknownAnswer(what: string, cause: unknown): AppError {
    return new AppError(
      'REGISTRY_ANSWER_UNKNOWN',
      `what answered ${what} at ${url} is no registry of this version: correct --registry URL, or use the program of the registry's version`,
      { cause },
    );
  }

  return {
    url,
    get: (path, query, answer) => call('GET', path, query, undefined, answer),
    post: (path, body, answer) => call('POST', path, {}, body, answer),
    delete: (path, query, answer) => call('DELETE', path, query, undefined, answer),
  };
}

function queryText(query: Query): string {
  const given = Object.entries(query).flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, String(value)]]));
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}
