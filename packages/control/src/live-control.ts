/** The control state of a process that serves requests: follows the control topic, and is replaced as a whole by each change. */
import { AppError, isRejected } from '@tokenledger/domain';
import { systemPacing, type Running } from '@tokenledger/event-log';
import { type ControlWatch, type ControlWatchOptions, watchControl } from './control-watch.ts';
import type { DocumentSet } from './document-set.ts';
import { type KeyHashers, type KeyHashSecrets, matchHashSecrets } from './key-hash.ts';
import type { SecretReader } from './secrets.ts';
import { channelCache, controlState, type ControlState, type ControlView } from './state.ts';

export interface LiveControlOptions extends Omit<ControlWatchOptions, 'onChange'> {
  readonly readSecret: SecretReader;
  readonly keyHashSecrets: KeyHashSecrets;
  /** Told of each new state, the first included: for metrics, and for a word about its `problems`. Must not throw. */
  readonly onState?: (state: ControlState) => void;
  /** Milliseconds since the epoch: decides when secrets expire. */
  readonly now?: () => number;
}

export interface LiveControl extends ControlView, Running {
  /** What the state was made of. */
  documents(): DocumentSet;
  /** How old what is known may be, in milliseconds. */
  behindMs(): number;
}

/** How soon a secret that was missing is looked for again. */
const SECRET_RETRY_MS = 5_000;
/** Changes that come closer together than this are taken into one state: resolving thousands of keys must not be done for each of thousands of changes. */
const SETTLE_MS = 20;
/** An expiry further away is waited for in pieces. */
const WAIT_MAX_MS = 3_600_000;

/** Resolves once the state is complete. Throws `KEY_HASH_SECRET_MISMATCH`, `TOPIC_MISSING`, and what the log throws.
 *  A document that cannot be used is in the state's `problems`; it keeps no other from working. */
export async function liveControl(options: LiveControlOptions): Promise<LiveControl> {
  const { now = Date.now, pacing = systemPacing } = options;
  const channels = channelCache();
  const closed = new AbortController();
  let wake = new AbortController();
  let dirty = false;
  const watch: ControlWatch = await watchControl({
    ...options,
    onChange: () => {
      dirty = true;
      wake.abort();
    },
  });

  let hashers: KeyHashers = new Map();
  const match = matchHashSecrets(options.keyHashSecrets, watch.documents().of('key_hash_secret'));
  if (isRejected(match)) {
    await watch.close();
    throw new AppError(match.code, match.message);
  }
  let state = build();

  function build(): ControlState {
    dirty = false;
    const documents = watch.documents();
    const matched = matchHashSecrets(options.keyHashSecrets, documents.of('key_hash_secret'));
    // A generation that came while this process runs and that it was not given: its keys are problems, all others stay.
    if (!isRejected(matched) && matched.kind !== 'first') hashers = matched.hashers;
    const built = controlState(documents, { hashers, readSecret: options.readSecret, channels, nowMs: now() });
    options.onState?.(built);
    return built;
  }

  /** When the state must be made again although no document changes. */
  function dueInMs(): number {
    const nowMs = now();
    let dueMs = WAIT_MAX_MS;
    if (state.problems.some(({ code }) => code === 'SECRET_MISSING')) dueMs = SECRET_RETRY_MS;
    for (const key of watch.documents().of('virtual_key')) {
      for (const { expires_at: expiresAt } of key.hashes) {
        if (expiresAt === undefined) continue;
        const expiresInMs = Date.parse(expiresAt) - nowMs;
        if (expiresInMs > 0) dueMs = Math.min(dueMs, expiresInMs);
      }
    }
    return dueMs;
  }

  async function follow(): Promise<void> {
    while (!closed.signal.aborted) {
      if (!dirty) await pacing.wait(dueInMs(), wake.signal);
      if (closed.signal.aborted) return;
      wake = new AbortController();
      if (dirty) await pacing.wait(SETTLE_MS, closed.signal);
      state = build();
    }
  }

  const following = follow();
  const failed = Promise.race([watch.failed, following.then(() => new Promise<never>(() => {}))]);
  // Whoever opened it decides what a failure ends; without a listener it must not end the process by accident.
  failed.catch(() => {});
  return {
    current: () => state,
    documents: () => watch.documents(),
    behindMs: () => watch.behindMs(),
    failed,
    close: async () => {
      closed.abort();
      wake.abort();
      await following;
      await watch.close();
    },
  };
}
