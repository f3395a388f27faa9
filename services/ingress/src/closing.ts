/** The closing record of an exchange: at once, or with its local count once that is there. */
import type { UsageEvent } from '@tokenledger/domain';
import type { Journal, JournalEntry, JournalPosition } from '@tokenledger/journal';
import { encodeUsageEvent } from '@tokenledger/schemas';
import type { ExchangeCount } from './counting.ts';

export interface Closing {
  readonly journal: Pick<Journal, 'answered' | 'close'>;
  readonly entry: JournalEntry;
  readonly key: string;
  /** As the answer names it, or `''`. */
  readonly servedModel: string;
  /** Its results have events of their own: it is not counted. */
  readonly isSubmission: boolean;
  /** Undefined when there is to be none. */
  readonly count: ExchangeCount | undefined;
  readonly now: () => number;
  readonly eventOf: (sequence: number) => UsageEvent;
  /** Told of the event as it is closed. */
  readonly finished: (event: UsageEvent) => void;
}

export interface Closed {
  /** Where the event is safe. */
  readonly position: JournalPosition;
  /** The event of a submission. */
  readonly submission: UsageEvent | undefined;
}

export function closeEntry({ count, isSubmission, eventOf, ...closing }: Closing): Closed {
  if (count !== undefined && !isSubmission) {
    return { position: count.close({ ...closing, eventOf: () => eventOf(0) }), submission: undefined };
  }
  count?.abandon();
  let submission: UsageEvent | undefined;
  const position = closing.journal.close(closing.entry, closing.key, (sequence) => {
    const event = eventOf(sequence);
    if (isSubmission) submission = event;
    closing.finished(event);
    return encodeUsageEvent(event);
  });
  return { position, submission };
}
