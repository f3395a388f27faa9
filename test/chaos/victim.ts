/** Something that can be killed at a chosen moment and started again: a role's process, the broker, ClickHouse. */
import { setTimeout as wait } from 'node:timers/promises';
import type { VictimKind, VictimName } from './plan.ts';

export interface Victim {
  readonly name: VictimName;
  readonly kind: VictimKind;
  /** Undefined while it does not run. */
  pid(): number | undefined;
  /** What its death would interrupt now; `''` for nothing. */
  inHand(): string;
  /** SIGKILL, and its end. */
  kill(): Promise<void>;
  /** Resolves once it is ready; throws when it ended before. */
  start(): Promise<void>;
}

export interface Death {
  readonly victim: VictimName;
  readonly kind: VictimKind;
  /** What was in hand, `''` for nothing. */
  readonly interrupted: string;
}

/** Between two looks at a victim that has nothing in hand. */
const LOOK_MS = 1;

/** Waits for a moment at which the victim has in hand what is `wanted`, and kills it then; once `waitMs` is over, in any case. It is stopped before the
 *  last look: what is seen is what dies. `onStopped`: for who has to look, too. */
export async function killInWork(
  victim: Victim,
  wanted: (inHand: string) => boolean,
  waitMs: number,
  onStopped: () => void,
): Promise<Death> {
  const deadline = performance.now() + waitMs;
  for (; ; await wait(LOOK_MS)) {
    const late = performance.now() >= deadline;
    const pid = victim.pid();
    if (!late && (pid === undefined || !wanted(victim.inHand()))) continue;
    const stopped = pid !== undefined && send(pid, 'SIGSTOP');
    const interrupted = stopped ? victim.inHand() : '';
    if (late || (stopped && wanted(interrupted))) {
      onStopped();
      await victim.kill();
      return { victim: victim.name, kind: victim.kind, interrupted };
    }
    if (stopped) send(pid, 'SIGCONT');
  }
}

/** False when there is no such process any more. */
export function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}
