/** Reads counts out of a provider's usage object without trusting their type. */
import { isJsonObject, type JsonObject } from './json-object.ts';

/** A count is a whole number from 0 to 2^53 − 1. Absent and `null` are null; anything else makes the whole object invalid, since a reader cannot tell what its other numbers are worth. */
export class Counts {
  readonly #usage: JsonObject;
  #invalid = false;
  #found = false;

  constructor(usage: JsonObject) {
    this.#usage = usage;
  }

  /** Whether something that should be a count was not one. */
  get invalid(): boolean {
    return this.#invalid;
  }

  /** Whether any count has been found. */
  get found(): boolean {
    return this.#found;
  }

  /** The count called `key` in the usage object. */
  at(key: string): number | null {
    return this.#count(this.#usage[key]);
  }

  /** The count called `key` in the object called `group`. */
  in(group: string, key: string): number | null {
    const nested = this.#usage[group];
    if (isJsonObject(nested)) return this.#count(nested[key]);
    if (nested !== undefined && nested !== null) this.#invalid = true;
    return null;
  }

  #count(value: unknown): number | null {
    if (value === undefined || value === null) return null;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      this.#invalid = true;
      return null;
    }
    this.#found = true;
    return value;
  }
}
