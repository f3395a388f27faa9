/** The three kinds of errors: rejected input is returned, a failing dependency is thrown, a broken invariant is asserted. */

export const ERRORS = {
  MONEY_INVALID: 'A text is not an amount in USD. Write decimal digits, at most 26 before and 12 after the point, without an exponent.',
  EVENT_INVALID:
    'A usage event was decoded, and a field has a value that no event may have; the message names it. The event is in `dead_letters` with its bytes: correct the producer and import it again.',
} as const;

/** Bad input, returned to the caller, which answers 4xx or dead-letters it. */
export interface Rejected {
  readonly kind: 'rejected';
  readonly code: string;
  readonly message: string;
}

export function rejected(code: string, message: string): Rejected {
  return { kind: 'rejected', code, message };
}

/** True for what `rejected` made; no other value of the domain has that `kind`. */
export function isRejected(value: unknown): value is Rejected {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'rejected';
}

export interface AppErrorOptions {
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/** A failing dependency or a wrong setting. `message` names the fix; `retryable` says whether trying again can help. */
export class AppError extends Error {
  readonly code: string;
  readonly retryable: boolean;

  constructor(code: string, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** A broken invariant: ends the process, since nothing after it can be trusted. */
export class InvariantError extends Error {
  constructor(message: string) {
    super(`invariant broken: ${message}`);
    this.name = 'InvariantError';
  }
}

export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}
