/** A request for a model that its key, project or tenant may not use. */
import { type ModelPolicy, type ModelRefusal, refusedModel } from '@tokenledger/control';
import { ERRORS } from './errors.ts';
import type { Refusal } from './refusal.ts';
import type { Target } from './target.ts';

/** One request of these runs many, each with a model of its own, here or in a file at the provider. */
const RUNS_MANY: ReadonlySet<string> = new Set(['openai.batches', 'anthropic.batches']);
const MODEL_SHOWN_MAX = 100;

/** `model`: as the request names it. Null: it may be used. */
export function refuseModel(policy: ModelPolicy, { surface, endpoint }: Target, projectId: string, model: string): Refusal | null {
  // What passes unread may name its model where nobody looks.
  const isKnown = endpoint !== undefined && !RUNS_MANY.has(surface.name);
  const refusal = refusedModel(policy, projectId, isKnown ? model : '');
  if (refusal === null) return null;
  return { status: 403, code: 'MODEL_REFUSED', outcome: 'refused_policy', message: `${sentence(refusal, model)} ${ERRORS.MODEL_REFUSED}` };
}

function sentence({ level, id, because }: ModelRefusal, model: string): string {
  const keeper = `${level.replace('_', ' ')} '${id}'`;
  switch (because) {
    case 'not_allowed':
      return `Model '${model.slice(0, MODEL_SHOWN_MAX)}' is not among those that ${keeper} allows.`;
    case 'denied':
      return `Model '${model.slice(0, MODEL_SHOWN_MAX)}' is denied by ${keeper}.`;
    case 'not_named':
      return `Which models this request runs cannot be told from it, and ${keeper} has a list of models.`;
  }
}
