/** What a broken invariant does where somebody else would catch it: the router of a request whose answer is ours already, the connection that an answer comes on. Either
 *  would drop the error, and the client would wait for ever. */

/** Ends the process with whatever `work` throws. */
export function endingOnDefect(work: () => void): void {
  try {
    work();
  } catch (defect) {
    process.nextTick(() => {
      throw defect;
    });
  }
}
