/** The documents that requests are decided by, as the control topic has them: complete before the first request, replaced as a whole by each change. */
import {
  type ControlProblem,
  type ControlState,
  type ControlView,
  type KeyHashSecrets,
  liveControl,
  type SecretReader,
} from '@tokenledger/control';
import type { EventLog } from '@tokenledger/event-log';
import type { Logger } from '@tokenledger/runtime';
import type { IngressMetrics } from './metrics.ts';
import type { Upstreams } from './upstreams.ts';

export interface LiveDocumentsOptions {
  readonly log: EventLog;
  /** The control topic. */
  readonly topic: string;
  readonly readSecret: SecretReader;
  readonly keyHashSecrets: KeyHashSecrets;
  readonly upstreams: Upstreams;
  readonly metrics: IngressMetrics;
  readonly logger: Logger;
}

export interface LiveDocuments extends ControlView {
  /** What is wrong, in one sentence; `''` when nothing is. */
  trouble(): string;
  /** True when changes are not followed any more: revoked keys would work for ever. */
  readonly failed: boolean;
  behindMs(): number;
  close(): Promise<void>;
}

/** Beyond this the ingress says that it may not know of changes. */
const BEHIND_MS_MAX = 10_000;

/** Resolves once everything is read. Throws `KEY_HASH_SECRET_MISMATCH`, `TOPIC_MISSING`, and what the log throws. */
export async function followDocuments(options: LiveDocumentsOptions): Promise<LiveDocuments> {
  const { logger, metrics } = options;
  let known: ReadonlySet<string> = new Set();
  let failure = '';
  const live = await liveControl({
    log: options.log,
    topic: options.topic,
    readSecret: options.readSecret,
    keyHashSecrets: options.keyHashSecrets,
    onState(state) {
      options.upstreams.keep(state.channels);
      metrics.documents(state);
      known = report(state, known, logger);
    },
    observer: {
      retrying: ({ error, attempt }) => logger.warn({ err: error, attempt }, 'the control topic could not be read; it is tried again'),
    },
  });
  live.failed.catch((error: unknown) => {
    failure = error instanceof Error ? error.message : String(error);
    logger.error({ err: error }, 'changes of documents are not followed any more: start this process again');
  });
  return {
    current: () => live.current(),
    behindMs: () => live.behindMs(),
    get failed() {
      return failure !== '';
    },
    trouble() {
      if (failure !== '') return `changes of documents are not followed any more: ${failure}`;
      const behindMs = live.behindMs();
      const behind =
        behindMs > BEHIND_MS_MAX
          ? `the control topic was last read to its end ${Math.round(behindMs / 1000)} s ago: changes since are not known`
          : '';
      return [behind, problemSentence(live.current().problems)].filter((sentence) => sentence !== '').join('; ');
    },
    close: () => live.close(),
  };
}

/** One line when a problem appears, none while it lasts. */
function report({ problems }: ControlState, known: ReadonlySet<string>, logger: Logger): ReadonlySet<string> {
  const now = new Set<string>();
  for (const { kind, id, code, message } of problems) {
    const name = `${kind}/${id} ${code}`;
    now.add(name);
    if (!known.has(name)) logger.warn({ kind, id, code }, message);
  }
  return now;
}

function problemSentence(problems: readonly ControlProblem[]): string {
  const [first] = problems;
  if (first === undefined) return '';
  return problems.length === 1 ? first.message : `${first.message}; and ${problems.length - 1} more documents cannot be used`;
}
