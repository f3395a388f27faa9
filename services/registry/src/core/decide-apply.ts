/** Applying documents: all of them or none. Whatever is wrong with any of them is named. Pure. */
import { isDeepStrictEqual } from 'node:util';
import {
  activationOf,
  brokenReference,
  type ControlDocument,
  type DocumentInput,
  type DocumentSet,
  documentKey,
  documentSet,
  type Issue,
} from '@tokenledger/control';
import { isRejected } from '@tokenledger/domain';
import { parsePriceBook } from '@tokenledger/pricing';
import { agreedIssues, isAgreed } from './agreed-issues.ts';
import { refusal, type Refusal } from './refusal.ts';
import { type Decided, type DecideContext, type Draft, liveDocuments, liveRecord, type Records } from './request.ts';
import { changedResult, unchangedResult } from './results.ts';

/** For each document:
 *
 *  | there is                  | it says   | then |
 *  | ------------------------- | --------- | ---- |
 *  | none, or none any more    | –         | created |
 *  | one                       | the same  | unchanged, whoever manages it and however old it is |
 *  | one of the config file    | otherwise | refused |
 *  | one with a fixed field    | otherwise | refused: a tenant, a book that an activation names, an activation and what was agreed when it is near or over |
 *  | any other                 | otherwise | updated | */
export function decideApply(records: Records, inputs: readonly DocumentInput[], context: DecideContext): Decided | Refusal {
  const wanted = inputs.map((input) => asDocument(input, liveRecord(records, input)?.document));
  const after = resultingSet(records, wanted);
  const seen = new Set<string>();
  const issues: Issue[] = [];
  const drafts: Draft[] = [];
  const results: Decided['results'][number][] = [];
  for (const [index, document] of wanted.entries()) {
    const path = `documents[${index}]`;
    if (seen.has(documentKey(document))) {
      issues.push({ path, code: 'DOCUMENT_DUPLICATE', message: `${document.kind} '${document.id}' is there twice: remove one` });
      continue;
    }
    seen.add(documentKey(document));
    const live = liveRecord(records, document);
    if (live !== undefined && isDeepStrictEqual(live.document, document)) {
      results.push(unchangedResult(records, document));
      continue;
    }
    const managed = live?.managed_by === 'config' ? managedByConfig(document) : [];
    const wrong =
      managed.length > 0 ? managed : [...fixedIssues(live?.document, document, after, context), ...contentIssues(document, after, context)];
    issues.push(...wrong.map((issue) => ({ ...issue, path: issue.path === '' ? path : `${path}.${issue.path}` })));
    const draft: Draft = { kind: document.kind, id: document.id, action: live === undefined ? 'create' : 'update', document };
    drafts.push(draft);
    results.push(changedResult(records, draft));
  }
  return issues.length > 0 ? refusal(issues) : { kind: 'decided', drafts, results };
}

/** What is not the operator's to say of a key stays as it is. */
function asDocument(input: DocumentInput, before: ControlDocument | undefined): ControlDocument {
  if (input.kind !== 'virtual_key') return input;
  return before?.kind === 'virtual_key'
    ? { ...input, hashes: before.hashes, revoked: before.revoked }
    : { ...input, hashes: [], revoked: false };
}

function resultingSet(records: Records, wanted: readonly ControlDocument[]): DocumentSet {
  return documentSet([...liveDocuments(records), ...wanted]);
}

function managedByConfig({ kind, id }: ControlDocument): readonly Issue[] {
  const message = `${kind} '${id}' stands in the config file of the registry: change it there`;
  return [{ path: '', code: 'DOCUMENT_MANAGED_BY_CONFIG', message }];
}

/** What cannot change any more, since events were recorded by it. */
function fixedIssues(
  before: ControlDocument | undefined,
  document: ControlDocument,
  after: DocumentSet,
  context: DecideContext,
): readonly Issue[] {
  if (before === undefined) return [];
  const fixed = (path: string, message: string): readonly Issue[] => [{ path, code: 'DOCUMENT_FIXED', message }];
  if ('tenant' in before && 'tenant' in document && before.tenant !== document.tenant) {
    return fixed('tenant', `${document.kind} '${document.id}' belongs to tenant '${before.tenant}' for good: create another one`);
  }
  if (document.kind === 'price_book') {
    const activation = after.of('price_book_activation').find(({ price_book: book }) => book === document.id);
    if (activation !== undefined) {
      return fixed('text', `price book '${document.id}' is named by activation '${activation.id}': create a book with another id`);
    }
  }
  const settled = settledAt(before, context);
  return settled === null
    ? []
    : fixed('', `${before.kind} '${before.id}' was to hold from ${settled} on, which is over or too near: create another one`);
}

/** From when on a document decides prices; null for one that does not. */
function pricesFrom(document: ControlDocument): { readonly field: string; readonly at: string } | null {
  if (document.kind === 'price_book_activation') return { field: 'activates_at', at: document.activates_at };
  if (!isAgreed(document)) return null;
  return { field: document.activates_at === undefined ? 'effective_from' : 'activates_at', at: activationOf(document) };
}

/** Since when events may have been priced by it, or a pricer may be about to; null when none was. */
export function settledAt(document: ControlDocument, { nowMs, activationLeadMs }: DecideContext): string | null {
  const at = pricesFrom(document)?.at;
  return at !== undefined && Date.parse(at) < nowMs + activationLeadMs ? at : null;
}

function contentIssues(document: ControlDocument, after: DocumentSet, context: DecideContext): readonly Issue[] {
  const issues: Issue[] = [];
  const broken = brokenReference(document, after);
  if (broken !== null) issues.push({ path: broken.field, code: broken.code, message: broken.message });
  if (document.kind === 'price_book') {
    const book = parsePriceBook(document.text);
    if (isRejected(book)) issues.push({ path: 'text', code: book.code, message: book.message });
  }
  const from = pricesFrom(document);
  if (from !== null && settledAt(document, context) !== null) {
    const earliest = new Date(context.nowMs + context.activationLeadMs).toISOString();
    const late = document.kind === 'price_book_activation' ? '' : ` (write that as activates_at where it was agreed afterwards)`;
    const message = `prices can change from ${earliest} on${late}, so that every pricer has heard of it before; what was priced already is rated again instead`;
    issues.push({ path: from.field, code: 'ACTIVATION_TOO_SOON', message });
  }
  return isAgreed(document) ? [...issues, ...agreedIssues(document)] : issues;
}
