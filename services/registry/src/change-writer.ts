/** The registry that writes: owns the control topic's partition, takes one change at a time, and answers it once it has been read back.
 *
 *  A crash anywhere leaves the log as it is, and the log alone decides: a change is there as a whole or not at all, and the next owner begins with a claim,
 *  below which nothing of the crashed one counts. */
import { randomBytes } from 'node:crypto';
import {
  CLAIM_KEY,
  type ConfigDocument,
  type ControlWatch,
  encodeControl,
  type KeyHashSecrets,
  type ManagedBy,
  type ReadEvent,
  type SecretReader,
} from '@tokenledger/control';
import { AppError, invariant, isRejected, uuidv7 } from '@tokenledger/domain';
import {
  type OwnedPartition,
  type Pacing,
  persist,
  type Producer,
  type Retry,
  RETRY_DEFAULTS,
  sendAcknowledged,
} from '@tokenledger/event-log';
import type { Logger } from '@tokenledger/runtime';
import { createBell } from './bell.ts';
import { type Change, ChangeQueue, type Job, type Written } from './change-queue.ts';
import { planConfig } from './core/config-plan.ts';
import { type Signature, signChange, type SignedChange, signRepair } from './signed-change.ts';
import type { Refusal } from './core/refusal.ts';
import type { Draft } from './core/request.ts';
import { createStrays } from './core/strays.ts';
import { configuredHashes, generationDraft, type Hashing, matchOrThrow, newestHashing } from './first-changes.ts';
import type { RegistryMetrics } from './metrics.ts';
import { createPendingChanges, type Fate } from './pending-changes.ts';

export interface ChangeWriterOptions {
  readonly topic: string;
  /** Names this registry in its claims, for people who look for the one that writes. */
  readonly instance: string;
  readonly documents: readonly ConfigDocument[];
  readonly readSecret: SecretReader;
  readonly keyHashSecrets: KeyHashSecrets;
  readonly changesWaitingMax: number;
  readonly changeTimeoutMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly pacing: Pacing;
  readonly logger: Logger;
  readonly metrics: RegistryMetrics;
}

/** One stretch between a claim and the next: only this epoch's changes can take effect in it. */
interface Turn {
  readonly epoch: number;
  /** Aborts when the partition is lost, and when somebody has claimed since. */
  readonly signal: AbortSignal;
  readonly end: () => void;
  hashing: Hashing | undefined;
}

/** Documents of the config file that go into one change, and strays that one change answers. */
const DRAFTS_PER_CHANGE_MAX = 200;
const PARTITION = 0;
const OWN_NAME = 'registry';

export class ChangeWriter {
  readonly #options: ChangeWriterOptions;
  readonly #watch: () => ControlWatch;
  readonly #producer: Producer;
  readonly #bell = createBell();
  readonly #pending = createPendingChanges();
  readonly #strays = createStrays();
  readonly #queue: ChangeQueue;
  #turn: Turn | undefined;
  #serving = false;
  #claimedBy = '';
  readonly #ready = Promise.withResolvers<void>();
  /** The newest stretch of ownership, and when it has ended. */
  #ended: Promise<void> = Promise.resolve();

  constructor(options: ChangeWriterOptions, producer: Producer, watch: () => ControlWatch) {
    this.#options = options;
    this.#producer = producer;
    this.#watch = watch;
    this.#queue = new ChangeQueue({ ...options, arrived: () => this.#bell.ring() });
    // Whoever starts the role may not wait for it.
    this.#ready.promise.catch(() => {});
  }

  /** Resolves once this registry has become the owner and brought everything in order; rejects with what kept it from that. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get serving(): boolean {
    return this.#serving;
  }

  get waiting(): number {
    return this.#queue.size;
  }

  /** What new secrets are hashed with. Throws `REGISTRY_NOT_OWNER`. */
  get hashing(): Hashing {
    const hashing = this.#turn?.hashing;
    if (!this.#serving || hashing === undefined) throw this.#notOwner();
    return hashing;
  }

  /** Takes what follows from the next record of the log. */
  take(event: ReadEvent): void {
    const { metrics, logger } = this.#options;
    this.#strays.take(event);
    this.#pending.take(event);
    if (event.kind === 'stray') metrics.stray();
    if (event.kind === 'unreadable') {
      metrics.unreadable();
      logger.warn({ key: event.key, offset: event.offset }, 'a record of the control topic cannot be read and is left out');
    }
    if (event.kind === 'claimed') {
      this.#claimedBy = event.by;
      if (this.#turn !== undefined && event.epoch > this.#turn.epoch) this.#turn.end();
    }
    this.#bell.ring();
  }

  /** Throws `REGISTRY_NOT_OWNER`, `REGISTRY_BUSY`, `CHANGE_LOST`, `CHANGE_UNSETTLED`. */
  async submit(change: Omit<Change, 'managedBy'>): Promise<Written | Refusal> {
    if (!this.#serving) throw this.#notOwner();
    return this.#queue.submit({ ...change, managedBy: 'api' });
  }

  /** Runs for as long as the partition is owned. Throws what keeps this registry from writing at all. */
  async run(owned: OwnedPartition): Promise<void> {
    // Whoever lost the partition and got it back at once may not have noticed: one stretch at a time may write and tell what holds.
    const former = this.#ended;
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    this.#ended = ended;
    this.#turn?.end();
    await former;
    try {
      await this.#write(owned);
    } finally {
      end();
    }
  }

  async #write(owned: OwnedPartition): Promise<void> {
    const { logger, metrics, pacing } = this.#options;
    const retry: Retry = {
      pacing,
      limits: RETRY_DEFAULTS,
      signal: owned.signal,
      retrying: (error, attempt) => {
        metrics.retried();
        logger.warn({ err: error, attempt }, 'the event log did not answer; it is asked again');
      },
    };
    try {
      while (!owned.signal.aborted) {
        // 1. Claim. A crash after it leaves a claim that nobody uses.
        const turn = await this.#claim(owned, retry);
        if (turn === undefined) continue;
        this.#turn = turn;
        // 2. Bring in order what the log and the config file ask for. A crash in between: the next owner goes on.
        if (!(await this.#prepare(turn))) continue;
        this.#serving = true;
        this.#ready.resolve();
        // 3. Take requests, one after the other, until the partition is lost or the fate of one is in doubt.
        await this.#serve(turn);
        this.#serving = false;
      }
    } catch (error) {
      if (!owned.signal.aborted && !isLoss(error)) this.#ready.reject(error);
      throw error;
    } finally {
      this.#serving = false;
      this.#turn = undefined;
      this.#queue.refuseAll(() => this.#notOwner());
    }
  }

  /** Undefined when ownership ended or somebody has claimed since. */
  async #claim(owned: OwnedPartition, retry: Retry): Promise<Turn | undefined> {
    const { topic, instance, now, metrics } = this.#options;
    await this.#checkLog(owned, retry);
    const value = encodeControl({ claimed_at: new Date(now()).toISOString(), claimed_by: instance });
    const { baseOffset } = await sendAcknowledged(retry, this.#producer, topic, PARTITION, [{ key: CLAIM_KEY, value }]);
    metrics.claimed();
    // A former owner can claim, too, but not commit: whoever does was the owner when it claimed.
    await persist(retry, () => owned.commit({ offset: baseOffset + 1, metadata: '' }));
    // Everything above the claim is what holds; below it, nothing counts but what this registry writes.
    while (this.#watch().nextOffset <= baseOffset && !owned.signal.aborted) await this.#bell.next(owned.signal);
    const epoch = baseOffset + 1;
    if (owned.signal.aborted || this.#watch().epoch !== epoch) return undefined;
    const ended = new AbortController();
    return {
      epoch,
      signal: AbortSignal.any([owned.signal, ended.signal]),
      end: () => ended.abort(),
      hashing: undefined,
    };
  }

  /** Epochs are offsets: in a topic that begins anew they would fall. Throws `LOG_MISMATCH`. */
  async #checkLog(owned: OwnedPartition, retry: Retry): Promise<void> {
    const { end } = await persist(retry, () => owned.range());
    if (owned.committed === null || owned.committed.offset <= end) return;
    throw new AppError(
      'LOG_MISMATCH',
      `the control topic ends at offset ${end}, and a registry claimed it at ${owned.committed.offset - 1}: it was recreated or lost records. Restore it, or accept its loss by setting the offset of the group to ${end}, and restart every ingress and pricer`,
    );
  }

  /** False when it is in doubt what took effect: claim again. Throws `KEY_HASH_SECRET_MISMATCH`, `CONFIG_DOCUMENTS_REFUSED`, `SECRET_MISSING`, `SECRET_WEAK`, `DOCUMENT_DUPLICATE`. */
  async #prepare(turn: Turn): Promise<boolean> {
    const { keyHashSecrets, documents, readSecret, now, logger } = this.#options;
    if (!(await this.#repair(turn))) return false;
    const draft = generationDraft(matchOrThrow(keyHashSecrets, this.#watch().documents()), keyHashSecrets, now());
    if (draft !== undefined) {
      if (!(await this.#put(turn, [draft], 'api', 'a new generation of the key hash secret'))) return false;
      logger.info({ generation: draft.id }, 'a generation of the key hash secret was recorded');
    }
    const match = matchOrThrow(keyHashSecrets, this.#watch().documents());
    invariant(match.kind === 'known', 'the generation was recorded');
    turn.hashing = newestHashing(match, keyHashSecrets);
    const hashes = configuredHashes(documents, match.hashers, readSecret);
    const plan = planConfig(this.#watch().records, { documents, hashes, nowMs: now() });
    if (isRejected(plan))
      throw new AppError('CONFIG_DOCUMENTS_REFUSED', plan.issues.map(({ path, message }) => `${path}: ${message}`).join('; '));
    if (plan.kept.length > 0) logger.warn({ documents: plan.kept }, 'left the config file and stay, since other documents name them');
    for (let from = 0; from < plan.drafts.length; from += DRAFTS_PER_CHANGE_MAX) {
      const drafts = plan.drafts.slice(from, from + DRAFTS_PER_CHANGE_MAX);
      if (!(await this.#put(turn, drafts, 'config', 'the config file'))) return false;
    }
    if (plan.drafts.length > 0) logger.info({ documents: plan.drafts.length }, 'the documents of the config file were applied');
    return true;
  }

  async #serve(turn: Turn): Promise<void> {
    while (!turn.signal.aborted) {
      if (!(await this.#repair(turn))) return;
      const job = this.#queue.take();
      if (job === undefined) await this.#bell.next(turn.signal);
      else if (!(await this.#change(turn, job))) return;
    }
  }

  /** False when its fate is in doubt. */
  async #change(turn: Turn, job: Job): Promise<boolean> {
    // 1. Decide by what holds. A crash here or before: nothing was changed.
    const { records } = this.#watch();
    const decided = job.decide(records);
    if (isRejected(decided)) {
      job.settle(decided);
      return true;
    }
    if (decided.drafts.length === 0) {
      job.settle({ kind: 'written', changeId: null, decided });
      return true;
    }
    const signed = signChange(records, decided.drafts, this.#sign(turn, job));
    if (isRejected(signed)) {
      job.settle(signed);
      return true;
    }
    // 2. Send all of it as one, and read it back. A crash here: it is in the log as a whole or not at all; nobody was told.
    job.sent(signed.changeId);
    const { fate, settled } = this.#send(turn, signed);
    void fate.then((known) =>
      known === 'applied' ? job.settle({ kind: 'written', changeId: signed.changeId, decided }) : job.fail(lost(signed.changeId)),
    );
    // 3. Answer. A crash before it: the caller looks into the audit.
    return settled;
  }

  /** Writes changes of this registry's own. False when their fate is in doubt. */
  async #put(turn: Turn, drafts: readonly Draft[], managedBy: ManagedBy, note: string): Promise<boolean> {
    const signed = signChange(this.#watch().records, drafts, this.#sign(turn, { by: OWN_NAME, managedBy, note }));
    if (isRejected(signed)) throw new AppError('CONFIG_DOCUMENTS_REFUSED', signed.message);
    return this.#send(turn, signed).settled;
  }

  /** Answers what former owners wrote too late. False when it is in doubt what took effect. */
  async #repair(turn: Turn): Promise<boolean> {
    for (;;) {
      const documents = this.#strays.documents().slice(0, DRAFTS_PER_CHANGE_MAX);
      const changes = this.#strays.changes().slice(0, DRAFTS_PER_CHANGE_MAX);
      if (documents.length === 0 && changes.length === 0) return true;
      const signature = this.#sign(turn, { by: OWN_NAME, managedBy: 'api', note: 'written by a registry that had been replaced' });
      const signed = signRepair(this.#watch().records, { documents, changes }, signature);
      invariant(!isRejected(signed), 'documents that were written once fit again');
      this.#options.logger.warn(
        { documents: documents.length, changes: changes.length },
        'a former owner wrote too late: what holds is written again',
      );
      if (!(await this.#send(turn, signed).settled)) return false;
    }
  }

  #sign(turn: Turn, job: Pick<Job, 'by' | 'managedBy' | 'note'>): Signature {
    const nowMs = this.#options.now();
    const { by, managedBy, note } = job;
    return { changeId: uuidv7(nowMs, randomBytes(16)), epoch: turn.epoch, nowMs, by, managedBy, note };
  }

  /** `fate` comes with this claim or with a later one. `settled`: whether it came in time; if not, nothing may be decided before the next claim. */
  #send(turn: Turn, signed: SignedChange): { readonly fate: Promise<Fate>; readonly settled: Promise<boolean> } {
    const { topic, pacing, metrics, logger, changeTimeoutMs } = this.#options;
    const { changeId, auditRecords } = signed;
    const startedMs = pacing.nowMs();
    const fate = this.#pending.expect({ changeId, epoch: turn.epoch, auditRecords });
    void fate.then((known) => metrics.changed(known, auditRecords, pacing.nowMs() - startedMs));
    const failed = this.#producer.send(topic, PARTITION, signed.records).then(
      () => new Promise<never>(() => {}),
      (error: unknown) => {
        logger.warn({ err: error, change_id: changeId }, 'a change could not be sent, or its answer was lost: claiming again to see');
        return false;
      },
    );
    const enough = new AbortController();
    const tooLate = pacing.wait(changeTimeoutMs, AbortSignal.any([turn.signal, enough.signal])).then(() => false);
    const settled = Promise.race([fate.then(() => true), failed, tooLate]).finally(() => enough.abort());
    return { fate, settled };
  }

  #notOwner(): AppError {
    const other =
      this.#claimedBy === '' || this.#claimedBy === this.#options.instance ? '' : `; the last one that did is ${this.#claimedBy}`;
    return new AppError('REGISTRY_NOT_OWNER', `this registry (${this.#options.instance}) does not write at the moment${other}`, {
      retryable: true,
    });
  }
}

function lost(changeId: string): AppError {
  return new AppError('CHANGE_LOST', `the change ${changeId} did not take effect: nothing was changed`, { retryable: true });
}

/** Another registry owns the partition now: no failure. */
export function isLoss(error: unknown): boolean {
  return error instanceof AppError && error.code === 'OWNERSHIP_LOST';
}
