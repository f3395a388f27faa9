/** Keys and channels are changed while requests come at every ingress: each change takes effect in time, and no request is lost. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SentRequest, startKeyLoad } from '../../support/key-load.ts';
import { CHAT_ANSWER, CHAT_STREAM_REQUEST, chatFrames } from '../../support/provider-answers.ts';
import type { ControlledLedger, RunningLedgerOptions } from '../../support/running-ledger.ts';
import { type ScriptedUpstream, scriptedUpstream } from '../../support/scripted-upstream.ts';
import { waitFor } from '../../support/wait-for.ts';

/** What is promised for a change to reach every ingress. */
const EFFECT_MS = 2_000;
const REQUESTS_PER_SECOND = 40;
const SCENARIO_TIMEOUT_MS = 220_000;
const CONDITION_TIMEOUT_MS = 30_000;
const ROWS_TIMEOUT_MS = 60_000;

const TENANT = `tenants: [{ id: umbrella, name: Umbrella }]
projects: [{ id: lab, tenant: umbrella, name: Lab }]
owners: [{ id: alice, tenant: umbrella, name: Alice, team: bio }]
`;
/** The first document alone would be fine. */
const INVALID = `tenants: [{ id: umbrella, name: Renamed }]
owners: [{ id: bob, tenant: nowhere, name: Bob }]
`;

interface AuditLine {
  readonly action: string;
  readonly kind: string;
  readonly id: string;
  readonly changed_at: string;
  readonly changed_by: string;
  readonly note: string;
  readonly before: unknown;
  readonly after: unknown;
}

interface Outcome {
  readonly sent: readonly SentRequest[];
  /** Texts of the keys, by what happens to them. */
  readonly secrets: Readonly<Record<'rotated' | 'rotatedAfter' | 'revoked' | 'overlapping' | 'overlappingAfter', string>>;
  readonly refusal: { readonly code: number | null; readonly stderr: string };
  /** The documents before and after the refused apply, as JSON. */
  readonly documents: readonly [before: string, after: string];
  /** What each stream gave that was open while its key was revoked. */
  readonly streams: readonly string[];
  readonly audit: readonly AuditLine[];
}

/** `start`: the product in front of an upstream, in as many processes as it likes. */
export function controlSuite(start: (options: RunningLedgerOptions) => Promise<ControlledLedger>): void {
  describe('documents are changed under load', () => {
    const resources = new AsyncDisposableStack();
    let ledger: ControlledLedger;
    let outcome: Outcome;
    beforeAll(async () => {
      const folder = mkdtempSync(join(tmpdir(), 'tokenledger-control-'));
      resources.defer(() => rmSync(folder, { recursive: true, force: true }));
      const first = resources.use(await upstream('first'));
      const second = resources.use(await upstream('second'));
      ledger = resources.use(await start({ upstreamUrl: first.url }));
      outcome = await scenario(ledger, folder, second);
    }, SCENARIO_TIMEOUT_MS);
    afterAll(() => resources.disposeAsync());

    const changedMs = (action: string, id: string): number => {
      const found = outcome.audit.find((line) => line.action === action && line.id === id);
      if (found === undefined) throw new Error(`the audit has no ${action} of ${id}`);
      return Date.parse(found.changed_at);
    };
    /** Requests by which each ingress could have shown that a change had not reached it in time; some, or the test shows nothing. */
    const late = (secret: string, fromMs: number): readonly SentRequest[] => {
      const found = outcome.sent.filter((request) => request.secret === secret && request.sentMs > fromMs + EFFECT_MS);
      expect(new Set(found.map(({ ingress }) => ingress))).toEqual(new Set(ledger.ingresses));
      return found;
    };
    const early = (secret: string, untilMs: number): readonly SentRequest[] =>
      outcome.sent.filter((request) => request.secret === secret && request.sentMs < untilMs);

    /** From a change until the last request that was sent and still decided as before. */
    const effectMs = (fromMs: number, isOld: (request: SentRequest) => boolean): number =>
      Math.max(0, ...outcome.sent.filter(isOld).map(({ sentMs }) => sentMs - fromMs));

    test('every request was answered, with 200 or 401', () => {
      const { revoked, rotated, overlapping } = outcome.secrets;
      const took = [
        effectMs(changedMs('revoke', 'revoked'), ({ secret, status }) => secret === revoked && status === 200),
        effectMs(changedMs('rotate', 'rotated'), ({ secret, status }) => secret === rotated && status === 200),
        effectMs(changedMs('create', 'openai-second'), ({ secret, servedBy }) => secret === overlapping && servedBy === 'first'),
      ];
      console.log(`${outcome.sent.length} requests; revoke, rotate and apply took effect after ${took.join(', ')} ms`);
      const statuses = Map.groupBy(outcome.sent, ({ status }) => status);
      expect(new Set(statuses.keys())).toEqual(new Set([200, 401]));
    });

    test('a revoked key is accepted until it is revoked, and by no ingress two seconds later', () => {
      const revokedMs = changedMs('revoke', 'revoked');
      expect(early(outcome.secrets.revoked, revokedMs).filter(({ status }) => status !== 200)).toEqual([]);
      expect(late(outcome.secrets.revoked, revokedMs).filter(({ status }) => status !== 401)).toEqual([]);
    });

    test('a secret that is rotated without overlap gives way to the new one on every ingress within two seconds', () => {
      const rotatedMs = changedMs('rotate', 'rotated');
      expect(early(outcome.secrets.rotated, rotatedMs).filter(({ status }) => status !== 200)).toEqual([]);
      expect(late(outcome.secrets.rotated, rotatedMs).filter(({ status }) => status !== 401)).toEqual([]);
      expect(late(outcome.secrets.rotatedAfter, rotatedMs).filter(({ status }) => status !== 200)).toEqual([]);
    });

    test('while a rotation overlaps, the old secret is never refused and the new one is accepted within two seconds', () => {
      const rotatedMs = changedMs('rotate', 'overlapping');
      expect(outcome.sent.filter(({ secret, status }) => secret === outcome.secrets.overlapping && status !== 200)).toEqual([]);
      expect(late(outcome.secrets.overlapping, rotatedMs)).not.toEqual([]);
      expect(late(outcome.secrets.overlappingAfter, rotatedMs).filter(({ status }) => status !== 200)).toEqual([]);
    });

    test('an applied channel takes over on every ingress within two seconds', () => {
      const appliedMs = changedMs('create', 'openai-second');
      const served = late(outcome.secrets.overlapping, appliedMs);
      expect(new Set(served.map(({ servedBy }) => servedBy))).toEqual(new Set(['second']));
      const before = early(outcome.secrets.overlapping, appliedMs);
      expect(new Set(before.map(({ servedBy }) => servedBy))).toEqual(new Set(['first']));
    });

    test('an invalid document is refused with file, path, code and message, and changes nothing', () => {
      expect(outcome.refusal.code).toBe(1);
      expect(outcome.refusal.stderr).toMatch(/invalid\.yaml:2 owner\/bob tenant: REFERENCE_MISSING: owner 'bob' names tenant 'nowhere'/);
      expect(outcome.documents[0]).toContain('Umbrella');
      expect(outcome.documents[1]).toBe(outcome.documents[0]);
    });

    test('a stream that runs while its key is revoked ends as it began', () => {
      expect(outcome.streams).toHaveLength(ledger.ingresses.length);
      for (const stream of outcome.streams) expect(stream).toMatch(/data: \[DONE\]\n\n$/);
    });

    test(
      'each request that was accepted is one event of its key, and no other is there',
      async () => {
        const accepted = outcome.sent.filter(({ status }) => status === 200).length + outcome.streams.length;
        await ledger.rows(accepted, ROWS_TIMEOUT_MS);
        const keyOf: Readonly<Record<string, string>> = {
          [outcome.secrets.rotated]: 'rotated',
          [outcome.secrets.rotatedAfter]: 'rotated',
          [outcome.secrets.revoked]: 'revoked',
          [outcome.secrets.overlapping]: 'overlapping',
          [outcome.secrets.overlappingAfter]: 'overlapping',
        };
        const expected: Record<string, number> = { revoked: outcome.streams.length };
        for (const { secret, status } of outcome.sent) {
          const key = keyOf[secret] ?? 'unknown';
          if (status === 200) expected[key] = (expected[key] ?? 0) + 1;
        }
        const rows = await ledger.clickhouse.query<{ key: string; events: string; distinct: string }>(
          'SELECT virtual_key_id AS key, toString(count()) AS events, toString(uniqExact(event_id)) AS distinct FROM usage_events GROUP BY key',
        );
        expect(Object.fromEntries(rows.map(({ key, events }) => [key, Number(events)]))).toEqual(expected);
        expect(rows.filter(({ events, distinct }) => events !== distinct)).toEqual([]);
      },
      ROWS_TIMEOUT_MS * 2,
    );

    test('the audit tells each change, by whom, why, and what was before and after, and nothing of what was refused', () => {
      const found = outcome.audit.map(({ action, kind, id }) => `${action} ${kind}/${id}`);
      expect(found).toEqual(
        expect.arrayContaining([
          'create tenant/umbrella',
          'create owner/alice',
          'create virtual_key/revoked',
          'create channel/openai-second',
          'rotate virtual_key/rotated',
          'rotate virtual_key/overlapping',
          'revoke virtual_key/revoked',
        ]),
      );
      expect(found.filter((line) => line.endsWith('owner/bob') || line === 'update tenant/umbrella')).toEqual([]);
      const revoked = outcome.audit.find(({ action }) => action === 'revoke');
      expect(revoked).toMatchObject({ note: 'it leaked', before: { revoked: false }, after: { revoked: true } });
      expect(revoked?.changed_by).not.toBe('');
      for (const secret of Object.values(outcome.secrets)) expect(JSON.stringify(outcome.audit)).not.toContain(secret);
    });

    test('the table audit_log holds what the audit tells, once', async () => {
      const line = (row: Pick<AuditLine, 'action' | 'kind' | 'id' | 'note'>): string => `${row.action} ${row.kind}/${row.id} ${row.note}`;
      const expected = outcome.audit.map(line).toSorted();
      const rows = await waitFor(
        async () => {
          const found = await ledger.clickhouse.query<AuditLine>('SELECT action, kind, id, note FROM audit_log');
          return found.length >= expected.length && found;
        },
        { timeoutMs: ROWS_TIMEOUT_MS, intervalMs: 100, describe: `${expected.length} rows in audit_log` },
      );
      expect(rows.map(line).toSorted()).toEqual(expected);
    });
  });
}

async function scenario(ledger: ControlledLedger, folder: string, second: GatedUpstream): Promise<Outcome> {
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const cli = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await ledger.cli(...args);
    if (code !== 0) throw new Error(`tokenledger ${args.join(' ')} ended with ${code}: ${stderr}`);
    return stdout;
  };
  const secretFrom = (answer: string): string => (JSON.parse(answer) as { secret: string }).secret;
  const createKey = async (id: string): Promise<string> =>
    secretFrom(await cli('keys', 'create', id, '--tenant', 'umbrella', '--owner', 'alice', '--project', 'lab', '--json'));

  await cli('apply', '-f', file('tenant.yaml', TENANT));
  const [rotated, revoked, overlapping] = [await createKey('rotated'), await createKey('revoked'), await createKey('overlapping')];
  await using load = startKeyLoad({
    ingresses: ledger.ingresses,
    secrets: [rotated, revoked, overlapping],
    requestsPerSecond: REQUESTS_PER_SECOND,
  });
  const seen = (what: string, shows: (request: SentRequest) => boolean): Promise<unknown> =>
    waitFor(() => ledger.ingresses.every((ingress) => load.sent.some((request) => request.ingress === ingress && shows(request))), {
      timeoutMs: CONDITION_TIMEOUT_MS,
      describe: `${what} on every ingress`,
    });
  await seen('answers', ({ status }) => status === 200);

  const channel = `channels: [{ id: openai-second, provider: openai, surfaces: [openai.chat], base_url: '${second.url}', credential: 'env:E2E_CREDENTIAL', priority: 1 }]`;
  await cli('apply', '-f', file('channel.yaml', channel), '--note', 'a second account');
  await seen('the new channel', ({ servedBy }) => servedBy === 'second');

  const before = await cli('get', '--format', 'json');
  const refusal = await ledger.cli('apply', '-f', file('invalid.yaml', INVALID));
  const after = await cli('get', '--format', 'json');

  const streams = await Promise.all(ledger.ingresses.map((ingress) => openStream(ingress, revoked)));
  const rotatedAfter = secretFrom(await cli('keys', 'rotate', 'rotated', '--overlap', '0', '--json'));
  load.add(rotatedAfter);
  const overlappingAfter = secretFrom(await cli('keys', 'rotate', 'overlapping', '--overlap', '1h', '--json'));
  load.add(overlappingAfter);
  await cli('keys', 'revoke', 'revoked', '--note', 'it leaked');
  const revokedMs = Date.now();
  await seen('the end of the revoked key', ({ secret, status }) => secret === revoked && status === 401);
  second.release();
  const streamed = await Promise.all(streams.map((stream) => stream.rest()));
  const enough = revokedMs + EFFECT_MS * 2;
  for (const secret of [rotated, revoked, overlapping, rotatedAfter, overlappingAfter]) {
    await seen('requests long after the last change', (request) => request.secret === secret && request.sentMs > enough);
  }
  await load.stop();

  const audit = (await cli('audit', '--limit', '1000', '--json')).trimEnd().split('\n');
  return {
    sent: load.sent,
    secrets: { rotated, rotatedAfter, revoked, overlapping, overlappingAfter },
    refusal,
    documents: [before, after],
    streams: streamed,
    audit: audit.map((line) => JSON.parse(line) as AuditLine),
  };
}

interface GatedUpstream extends ScriptedUpstream {
  /** Lets streams go on after their first frame. */
  release(): void;
}

async function upstream(name: string): Promise<GatedUpstream> {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const started = await scriptedUpstream(async (response, { body }) => {
    const streamed = body.includes('"stream":true');
    response.writeHead(200, { 'content-type': streamed ? 'text/event-stream' : 'application/json', 'x-served-by': name });
    if (!streamed) {
      response.end(CHAT_ANSWER);
      return;
    }
    const [first = '', ...rest] = chatFrames(true);
    response.write(first);
    await released;
    for (const frame of rest) response.write(frame);
    response.end();
  });
  return Object.assign(started, { release });
}

/** Resolves once the stream has begun. */
async function openStream(ingress: string, secret: string): Promise<{ rest(): Promise<string> }> {
  const pool = new Pool(ingress, { connections: 1 });
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${secret}` };
  const answer = await pool.request({ path: '/v1/chat/completions', method: 'POST', headers, body: CHAT_STREAM_REQUEST });
  expect(answer.statusCode).toBe(200);
  return {
    async rest() {
      const text = await answer.body.text();
      await pool.close();
      return text;
    },
  };
}
