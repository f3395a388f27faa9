/** Tells within the process when a shape has something in hand that a crash would interrupt, through Node's diagnostics channels.
 *  Nobody listens in the product; whoever tests crashes does, to know what it interrupts. */
import { channel } from 'node:diagnostics_channel';

/** What its listeners get. `recovery`: a partition is being taken over. `batch`: records are read and their offset is not committed. */
export interface InHandMessage {
  readonly what: 'recovery' | 'batch';
  readonly topic: string;
  readonly partition: number;
  readonly change: 1 | -1;
}

export const IN_HAND_CHANNEL = 'tokenledger:in-hand';

const listeners = channel(IN_HAND_CHANNEL);

interface Partition {
  readonly topic: string;
  readonly partition: number;
}

/** Call what it returns once it is out of hand; again does nothing. */
export function takeInHand(what: InHandMessage['what'], { topic, partition }: Partition): () => void {
  if (!listeners.hasSubscribers) return nothing;
  let held = true;
  listeners.publish({ what, topic, partition, change: 1 } satisfies InHandMessage);
  return () => {
    if (!held) return;
    held = false;
    listeners.publish({ what, topic, partition, change: -1 } satisfies InHandMessage);
  };
}

function nothing(): void {}
