/** What a change does, or would do, to each document, as it is answered. */
import type { ChangeAnswer } from '@tokenledger/control';
import { type Draft, liveRecord, type Records } from './request.ts';
import { shortDocument } from './show.ts';

type Result = ChangeAnswer['results'][number];

export function changedResult(records: Records, { kind, id, document }: Draft): Result {
  const before = liveRecord(records, { kind, id })?.document;
  const action = document === null ? 'delete' : before === undefined ? 'create' : 'update';
  return {
    kind,
    id,
    action,
    version: (records.get(`${kind}/${id}`)?.version ?? 0) + 1,
    before: before === undefined ? null : shortDocument(before),
    after: document === null ? null : shortDocument(document),
  };
}

export function unchangedResult(records: Records, of: Pick<Draft, 'kind' | 'id'>): Result {
  const live = liveRecord(records, of);
  const shown = live === undefined ? null : shortDocument(live.document);
  return { kind: of.kind, id: of.id, action: 'unchanged', version: live?.version ?? 0, before: shown, after: shown };
}
