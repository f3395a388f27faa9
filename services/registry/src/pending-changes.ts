/** Changes that were sent and whose fate is not known yet. The log alone decides it. */
import type { ReadEvent } from '@tokenledger/control';

/** `applied`: it holds, and everybody who reads the log will come to it. `void`: it does not hold and never will. */
export type Fate = 'applied' | 'void';

interface Pending {
  readonly epoch: number;
  readonly auditRecords: number;
  readonly settle: (fate: Fate) => void;
}

export interface PendingChanges {
  /** Before it is sent. */
  expect(change: { readonly changeId: string; readonly epoch: number; readonly auditRecords: number }): Promise<Fate>;
  /** Takes what follows from the next record of the log.
   *
   *  | met                                     | the change is |
   *  | --------------------------------------- | ------------- |
   *  | its last record, in its epoch           | applied |
   *  | a record of it, below a later claim     | void |
   *  | a claim of a later epoch, and not it    | void: whatever of it may come is below the claim | */
  take(event: ReadEvent): void;
  readonly size: number;
}

export function createPendingChanges(): PendingChanges {
  const pending = new Map<string, Pending>();

  const settle = (changeId: string, fate: Fate): void => {
    pending.get(changeId)?.settle(fate);
    pending.delete(changeId);
  };

  return {
    expect({ changeId, epoch, auditRecords }) {
      const { promise, resolve } = Promise.withResolvers<Fate>();
      pending.set(changeId, { epoch, auditRecords, settle: resolve });
      return promise;
    },
    take(event) {
      switch (event.kind) {
        case 'audited':
          if (event.audit.n === pending.get(event.audit.change_id)?.auditRecords) settle(event.audit.change_id, 'applied');
          return;
        case 'stray':
          settle(event.stray.change_id, 'void');
          return;
        case 'claimed':
          for (const [changeId, { epoch }] of pending) if (epoch < event.epoch) settle(changeId, 'void');
          return;
        case 'applied':
          // Its audit stands behind it, where it has any.
          if (pending.get(event.change.changeId)?.auditRecords === 0) settle(event.change.changeId, 'applied');
          return;
        case 'unreadable':
          return;
      }
    },
    get size() {
      return pending.size;
    },
  };
}
