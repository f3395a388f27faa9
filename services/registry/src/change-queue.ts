/** Changes that wait for their turn, in the order in which they came. */
import type { ManagedBy } from '@tokenledger/control';
import { AppError } from '@tokenledger/domain';
import type { Pacing } from '@tokenledger/event-log';
import type { Refusal } from './core/refusal.ts';
import type { Decided, Records } from './core/request.ts';

/** A change that took effect, or needed none. */
export interface Written {
  readonly kind: 'written';
  /** Null when nothing had to change. */
  readonly changeId: string | null;
  readonly decided: Decided;
}

export interface Change {
  /** Pure, and called once, with what holds at that moment. */
  readonly decide: (records: Records) => Decided | Refusal;
  readonly by: string;
  readonly managedBy: ManagedBy;
  readonly note: string;
}

export interface Job extends Change {
  /** From here on it may take effect. */
  sent(changeId: string): void;
  settle(outcome: Written | Refusal): void;
  fail(error: AppError): void;
}

export interface ChangeQueueOptions {
  readonly changesWaitingMax: number;
  readonly changeTimeoutMs: number;
  readonly pacing: Pacing;
  readonly arrived: () => void;
}

export class ChangeQueue {
  readonly #options: ChangeQueueOptions;
  readonly #waiting = new Set<Job>();

  constructor(options: ChangeQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Throws `REGISTRY_BUSY`, `CHANGE_UNSETTLED`, and what the job fails with. */
  async submit(change: Change): Promise<Written | Refusal> {
    const { changesWaitingMax, changeTimeoutMs, pacing, arrived } = this.#options;
    if (this.#waiting.size >= changesWaitingMax) throw busy(`${changesWaitingMax} changes wait already`);
    const { promise, resolve, reject } = Promise.withResolvers<Written | Refusal>();
    let changeId = '';
    const job: Job = {
      ...change,
      sent: (id) => {
        changeId = id;
      },
      settle: resolve,
      fail: reject,
    };
    this.#waiting.add(job);
    arrived();
    const enough = new AbortController();
    void pacing.wait(changeTimeoutMs, enough.signal).then(() => {
      if (this.#waiting.delete(job)) reject(busy(`the change waited for ${changeTimeoutMs} ms`));
      else reject(unsettled(changeId));
    });
    return promise.finally(() => enough.abort());
  }

  /** The next one; whoever takes it settles it. */
  take(): Job | undefined {
    const [job] = this.#waiting;
    if (job !== undefined) this.#waiting.delete(job);
    return job;
  }

  refuseAll(error: () => AppError): void {
    for (const job of this.#waiting) job.fail(error());
    this.#waiting.clear();
  }
}

function busy(why: string): AppError {
  return new AppError('REGISTRY_BUSY', `${why}: try again in a moment`, { retryable: true });
}

function unsettled(changeId: string): AppError {
  const message = `the change ${changeId} was not read back in time: it may have taken effect or may do so still; look for it in the audit`;
  return new AppError('CHANGE_UNSETTLED', message, { retryable: true });
}
