/** The usage objects of one answer, of which the last counts: where a provider repeats them they are cumulative. */
import { isJsonObject, type JsonObject } from './json-object.ts';
import { CONTRADICTORY, REPEATED, type Normalised } from './normalised.ts';
import { parseExactly } from './raw-usage.ts';

export interface LastUsageRules {
  /** Names of the totals, which only rise. */
  readonly totals: readonly string[];
  normalise(usage: JsonObject): Normalised;
  /** The usage object in an answer, or in an event of a stream. */
  usageIn(answer: JsonObject): unknown;
}

export class LastUsage {
  readonly #rules: LastUsageRules;
  readonly #flags = new Set<string>();
  #raw: unknown = null;
  #normalised: Normalised | undefined;

  constructor(rules: LastUsageRules) {
    this.#rules = rules;
  }

  /** Null when none came. */
  get raw(): unknown {
    return this.#raw;
  }

  get normalised(): Normalised | undefined {
    return this.#normalised;
  }

  get flags(): readonly string[] {
    return [...this.#flags];
  }

  /** `text`: what `answer` was parsed from. */
  take(answer: JsonObject, text: string): void {
    const usage = this.#rules.usageIn(answer);
    if (usage === undefined || usage === null) return;
    const previous = this.#raw;
    if (previous !== null) this.#flags.add(REPEATED);
    if (isJsonObject(previous) && isJsonObject(usage) && this.#rules.totals.some((total) => isLower(usage[total], previous[total]))) {
      this.#flags.add(CONTRADICTORY);
    }
    this.#normalised = isJsonObject(usage) ? this.#rules.normalise(usage) : { kind: 'invalid' };
    this.#raw = this.#normalised.kind === 'invalid' ? (this.#exact(text) ?? usage) : usage;
  }

  /** With all digits of its numbers; undefined when it nests too deep for that. */
  #exact(text: string): unknown {
    const answer = parseExactly(text);
    return isJsonObject(answer) ? this.#rules.usageIn(answer) : undefined;
  }
}

function isLower(later: unknown, earlier: unknown): boolean {
  return typeof later === 'number' && typeof earlier === 'number' && later < earlier;
}
