/** Brings together what a model says of its usage and what Bedrock says of the invocation. */
import { INPUT_CLASSES, inputTokens, OUTPUT_CLASSES, outputTokens, type Usage, type UsageClass } from '@tokenledger/domain';
import { CONTRADICTORY, type Normalised } from '../normalised.ts';

/** The model's own account rules, since it tells more. A side that it leaves out (a guardrail that rewrites an answer drops its output count) is taken from Bedrock's; where both state a
 *  side and disagree, the answer is flagged `contradictory`. */
export function completedUsage(own: Normalised | undefined, stated: Normalised | undefined): Normalised | undefined {
  if (own?.kind === 'invalid' || stated === undefined || stated.kind === 'none') return own;
  if (own?.kind !== 'usage') return stated;
  if (stated.kind !== 'usage') return { ...own, flags: [...own.flags, CONTRADICTORY] };
  const flags = new Set(own.flags);
  if (!agree(own.usage, stated.usage)) flags.add(CONTRADICTORY);
  let { usage } = own;
  // A cache that gave nothing may be all that is left of the input.
  if (usage.uncached_input === null) usage = { ...usage, ...side(stated.usage, INPUT_CLASSES) };
  if (outputTokens(usage) === null) usage = { ...usage, ...side(stated.usage, OUTPUT_CLASSES) };
  return { kind: 'usage', usage, flags: [...flags] };
}

/** Claude's answers were seen with counts beside the cache; of models that count it as input nothing is known, so that neither way disagrees. */
function agree(own: Usage, stated: Usage): boolean {
  const [input, output] = [inputTokens(own), outputTokens(own)];
  const inputAgrees =
    own.uncached_input === null ||
    stated.uncached_input === null ||
    input === stated.uncached_input ||
    input === inputTokens(stated) ||
    own.uncached_input === stated.uncached_input;
  return inputAgrees && (output === null || stated.visible_output === null || output === stated.visible_output);
}

function side(usage: Usage, classes: readonly UsageClass[]): Partial<Usage> {
  return Object.fromEntries(classes.map((name) => [name, usage[name]]));
}
