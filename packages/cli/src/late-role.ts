/** A role whose making has to wait for what it depends on: until then it says that it is starting. */
import type { Role } from '@tokenledger/runtime';

export interface LateRole<Made extends Role> extends Role {
  /** Undefined until it is started. */
  readonly made: Made | undefined;
}

/** `make` is called at the start, when everything before it in the order runs. */
export function lateRole<Made extends Role>(name: string, make: () => Made): LateRole<Made> {
  let made: Made | undefined;
  let stopped = false;
  return {
    name,
    get made() {
      return made;
    },
    async start() {
      made = make();
      await made.start();
    },
    async stop(deadlineMs) {
      stopped = true;
      return (await made?.stop(deadlineMs)) ?? { left: '' };
    },
    state() {
      return (
        made?.state() ?? (stopped ? { status: 'stopped', detail: '' } : { status: 'starting', detail: 'waits for what it depends on' })
      );
    },
  };
}
