/** Bounds how many different names a tenant may bring into the ledger: values of attribution, names of labels, models. Whoever sends a new one with every request would
 *  blow up dictionaries, rollups and metrics for everybody. What comes beyond the bound is recorded under one name, so that sums stay exact; each day begins anew. */
import type { Attribution } from '@tokenledger/domain';

/** Stands in the ledger for every name beyond the bound. */
export const OVERFLOW = '(overflow)';

/** Those that rows are grouped by; ids of users, workflows, tasks and conversations may be as many as there are requests. */
const GROUPED = ['application', 'applicationVersion', 'feature', 'taskType', 'environment', 'promptVersion', 'mcpServer'] as const;

export type NamedField = (typeof GROUPED)[number] | 'label' | 'model';

const DAY_MS = 86_400_000;

export interface RecordedNames {
  /** `own`: what the key says, which an operator chose. The same object where nothing is beyond the bound. */
  attribution(asked: Attribution, own: Attribution, nowMs: number): Attribution;
  /** The name, or `OVERFLOW`. */
  model(tenantId: string, name: string, nowMs: number): string;
  /** An answer, under a model's name that is within the bound. */
  answer<Answer extends { readonly servedModel: string } | null>(tenantId: string, answer: Answer, nowMs: number): Answer;
}

/** `entriesMax`: different names of one tenant in one field and day. `onOverflow`: told of every name that was not recorded. */
export function recordedNames(entriesMax: number, onOverflow: (field: NamedField) => void): RecordedNames {
  const known = new Map<string, Map<NamedField, Set<string>>>();
  let day = -1;

  const isWithin = (tenantId: string, field: NamedField, name: string, nowMs: number): boolean => {
    const today = Math.floor(nowMs / DAY_MS);
    if (today > day) {
      day = today;
      known.clear();
    }
    let fields = known.get(tenantId);
    if (fields === undefined) known.set(tenantId, (fields = new Map()));
    let names = fields.get(field);
    if (names === undefined) fields.set(field, (names = new Set()));
    if (names.has(name)) return true;
    if (names.size < entriesMax) {
      names.add(name);
      return true;
    }
    onOverflow(field);
    return false;
  };

  const model = (tenantId: string, name: string, nowMs: number): string =>
    name === '' || isWithin(tenantId, 'model', name, nowMs) ? name : OVERFLOW;

  return {
    attribution(asked, own, nowMs) {
      if (asked === own) return asked;
      const { tenantId } = asked;
      const changed: { -readonly [Field in keyof Attribution]?: Attribution[Field] } = {};
      for (const field of GROUPED) {
        const value = asked[field];
        if (value !== own[field] && !isWithin(tenantId, field, value, nowMs)) changed[field] = OVERFLOW;
      }
      const beyond = Object.keys(asked.labels).filter((name) => !(name in own.labels) && !isWithin(tenantId, 'label', name, nowMs));
      if (beyond.length > 0) {
        const kept = Object.entries(asked.labels).filter(([name]) => !beyond.includes(name));
        changed.labels = { ...Object.fromEntries(kept), [OVERFLOW]: String(beyond.length) };
      }
      return Object.keys(changed).length === 0 ? asked : { ...asked, ...changed };
    },
    model,
    answer(tenantId, answer, nowMs) {
      if (answer === null) return answer;
      const served = model(tenantId, answer.servedModel, nowMs);
      return served === answer.servedModel ? answer : { ...answer, servedModel: served };
    },
  };
}
