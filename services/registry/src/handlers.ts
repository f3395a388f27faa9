/** What each operation does, given validated input. */
import { randomBytes } from 'node:crypto';
import {
  type ChangeAnswer,
  type ControlKind,
  type ControlWatch,
  type DocumentView,
  generateKeyText,
  type KeyAnswer,
  type KeySecret,
} from '@tokenledger/control';
import { invariant, isRejected } from '@tokenledger/domain';
import type { Admin } from './admin-tokens.ts';
import type { Written } from './change-queue.ts';
import type { ChangeWriter } from './change-writer.ts';
import type { AuditTrail } from './core/audit-trail.ts';
import { decide } from './core/decide.ts';
import { cursorOf, documentPage, offsetOf } from './core/pages.ts';
import { refuse, type Refusal } from './core/refusal.ts';
import { type ChangeRequest, liveRecord } from './core/request.ts';
import { documentView } from './core/show.ts';
import type { Answer, Input, OperationName } from './operations.ts';

export interface HandlerContext {
  readonly watch: ControlWatch;
  readonly writer: ChangeWriter;
  readonly audit: AuditTrail;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** How far ahead a price book must be activated, in milliseconds. */
  readonly activationLeadMs: number;
}

export type Handlers = {
  readonly [Name in OperationName]: (input: Input<Name>, admin: Admin) => Promise<Answer<Name> | Refusal> | Answer<Name> | Refusal;
};

export function handlers(context: HandlerContext): Handlers {
  const { watch, writer, audit, now } = context;

  return {
    list_documents: ({ query }) => {
      const page = documentPage(watch.records, query);
      return isRejected(page)
        ? page
        : { documents: page.documents.map((record) => documentView(record, record.document, false)), next_cursor: page.nextCursor };
    },

    get_document: ({ params }) => view(params.kind, params.id) ?? refuse('DOCUMENT_UNKNOWN', `there is no ${params.kind} '${params.id}'`),

    delete_document: ({ params, query }, admin) => {
      if (params.kind === 'virtual_key' && !admin.scopes.has('keys')) return keysScopeMissing(admin);
      const request: ChangeRequest = { kind: 'delete', of: params, expectedVersion: query.expected_version };
      return answer(request, admin, query.note, query.dry_run);
    },

    apply: ({ body }, admin) => {
      if (body.documents.some(({ kind }) => kind === 'virtual_key') && !admin.scopes.has('keys')) return keysScopeMissing(admin);
      return answer({ kind: 'apply', documents: body.documents, expectedVersions: body.expected_versions }, admin, body.note, body.dry_run);
    },

    create_key: async ({ body }, admin) => {
      const { id = `key-${randomBytes(ID_BYTES).toString('hex')}`, expires_at: expiresAt, note, ...key } = body;
      const { text, secret } = newSecret(expiresAt);
      return keyAnswer(id, text, { kind: 'create_key', key: { kind: 'virtual_key', id, ...key }, secret }, admin, note);
    },

    rotate_key: async ({ params: { id }, body }, admin) => {
      const { text, secret } = newSecret(body.expires_at);
      const { overlap_s: overlapS, expected_version: expectedVersion, note } = body;
      return keyAnswer(id, text, { kind: 'rotate_key', id, secret, overlapS, expectedVersion }, admin, note);
    },

    revoke_key: ({ params: { id }, body }, admin) =>
      answer({ kind: 'revoke_key', id, expectedVersion: body.expected_version }, admin, body.note, false),

    list_audit: ({ query }) => {
      const beforeOffset = offsetOf(query.cursor);
      if (isRejected(beforeOffset)) return beforeOffset;
      const { records, nextOffset } = audit.page({ ...query, beforeOffset });
      return { records: [...records], next_cursor: nextOffset === null ? null : cursorOf(String(nextOffset)) };
    },
  };

  function change(request: ChangeRequest, admin: Admin, note: string): Promise<Written | Refusal> {
    return writer.submit({ decide: (records) => decide(records, request, decideContext()), by: admin.name, note });
  }

  async function answer(request: ChangeRequest, admin: Admin, note: string, dryRun: boolean): Promise<ChangeAnswer | Refusal> {
    const outcome = dryRun ? decide(watch.records, request, decideContext()) : await change(request, admin, note);
    if (isRejected(outcome)) return outcome;
    if (outcome.kind === 'decided') return { change_id: null, dry_run: true, results: [...outcome.results] };
    return { change_id: outcome.changeId, dry_run: false, results: [...outcome.decided.results] };
  }

  async function keyAnswer(id: string, text: string, request: ChangeRequest, admin: Admin, note: string): Promise<KeyAnswer | Refusal> {
    const outcome = await change(request, admin, note);
    if (isRejected(outcome)) return outcome;
    const key = view('virtual_key', id);
    invariant(key !== undefined && outcome.changeId !== null, 'a key that was written can be read');
    return { change_id: outcome.changeId, key, secret: text };
  }

  function newSecret(expiresAt: string | undefined): { readonly text: string; readonly secret: KeySecret } {
    const { generation, hasher } = writer.hashing;
    const text = generateKeyText();
    const created = { hash: hasher.hash(text), generation, created_at: new Date(now()).toISOString() };
    return { text, secret: expiresAt === undefined ? created : { ...created, expires_at: expiresAt } };
  }

  function view(kind: ControlKind, id: string): DocumentView | undefined {
    const record = liveRecord(watch.records, { kind, id });
    return record === undefined ? undefined : documentView(record, record.document, true);
  }

  function decideContext(): { readonly nowMs: number; readonly activationLeadMs: number } {
    return { nowMs: now(), activationLeadMs: context.activationLeadMs };
  }
}

const ID_BYTES = 8;

function keysScopeMissing({ name }: Admin): Refusal {
  return refuse('SCOPE_MISSING', `the admin token '${name}' lacks the scope \`keys\`, which virtual keys need`);
}
