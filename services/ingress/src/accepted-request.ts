/** A request whose virtual key was accepted: from here on it has exactly one event. */
import { randomBytes } from 'node:crypto';
import type { ControlState, ResolvedKey } from '@tokenledger/control';
import { uuidv7 } from '@tokenledger/domain';
import type { Trace } from '@tokenledger/tracing';
import type { Target } from './target.ts';

export interface AcceptedRequest {
  /** Also the event's id. */
  readonly requestId: string;
  readonly occurredAtMs: number;
  /** Monotonic milliseconds, for durations. */
  readonly startedAt: number;
  /** The documents as they were when the request came: it is decided by these alone, whatever changes meanwhile. */
  readonly control: ControlState;
  readonly key: ResolvedKey;
  readonly target: Target;
  /** `''` when there is none. */
  readonly traceId: string;
  /** Undefined while tracing is off. */
  readonly trace: Trace | undefined;
}

const ID_RANDOM_BYTES = 10;
const POOL_BYTES = ID_RANDOM_BYTES * 256;
let pool = Buffer.alloc(0);
let used = 0;

/** A new UUIDv7; randomness is drawn in blocks. */
export function newId(nowMs: number): string {
  if (used === pool.length) {
    pool = randomBytes(POOL_BYTES);
    used = 0;
  }
  const id = uuidv7(nowMs, pool, used);
  used += ID_RANDOM_BYTES;
  return id;
}
