/** Waits for a condition instead of for a while: polls until it holds, or fails within a bound with what was being waited for. */

export interface WaitOptions {
  /** The longest to wait, in milliseconds. */
  readonly timeoutMs: number;
  /** What is waited for, as it reads after "waited for"; a function is called at the end, to show how far things came. */
  readonly describe: string | (() => string);
  /** Between two looks, in milliseconds. */
  readonly intervalMs?: number;
}

type Falsy = false | null | undefined | 0 | '';

/** Returns the condition's first truthy value. Errors thrown by the condition end the wait: a condition that may fail says so by returning false. */
export async function waitFor<T>(condition: () => T | Promise<T>, options: WaitOptions): Promise<Exclude<T, Falsy>> {
  const deadline = performance.now() + options.timeoutMs;
  for (;;) {
    const value = await condition();
    if (value) return value as Exclude<T, Falsy>;
    if (performance.now() >= deadline) {
      const awaited = typeof options.describe === 'string' ? options.describe : options.describe();
      throw new Error(`waited ${options.timeoutMs} ms in vain for ${awaited}`);
    }
    await new Promise((resolve) => setTimeout(resolve, options.intervalMs ?? 20));
  }
}
