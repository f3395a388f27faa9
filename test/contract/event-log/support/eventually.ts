/** Waits for a condition in the adapter's own time, within a bound. */
import type { EventLogHarness } from '../check.ts';

const INTERVAL_MS = 5;
const LOOKS_MAX = 2_000;

/** Throws what was waited for when it does not hold within 10 s of the adapter's time. */
export async function eventually(
  harness: Pick<EventLogHarness, 'pacing'>,
  what: string | (() => string),
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    if (await condition()) return;
    await harness.pacing.wait(INTERVAL_MS);
  }
  throw new Error(`waited in vain for ${typeof what === 'string' ? what : what()}`);
}
