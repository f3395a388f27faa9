/** What former owners wrote after they had been replaced and nobody has answered yet. The owner answers it, so that compaction keeps what holds. */
import { type ControlKind, documentKey, type ReadEvent } from '@tokenledger/control';

/** A change that was written by an owner that had been replaced, and one of its documents. */
export interface StrayChange {
  readonly changeId: string;
  readonly kind: ControlKind;
  readonly id: string;
}

interface Named {
  readonly kind: ControlKind;
  readonly id: string;
}

export interface Strays {
  /** Takes what follows from the next record of the log. */
  take(event: ReadEvent): void;
  /** Documents whose last record does not hold. */
  documents(): readonly Named[];
  /** Changes that never held and that no audit calls void yet. */
  changes(): readonly StrayChange[];
}

/** A second copy of a change arrives within seconds of the first, and not thousands of changes later. */
const HELD_CHANGES_MAX = 10_000;

export function createStrays(): Strays {
  const documents = new Map<string, Named>();
  const changes = new Map<string, StrayChange>();
  /** Changes that did hold: a late copy of one takes nothing back. */
  const held = new Set<string>();

  const hold = (changeId: string): void => {
    held.add(changeId);
    for (const oldest of held) {
      if (held.size <= HELD_CHANGES_MAX) return;
      held.delete(oldest);
    }
  };

  return {
    take(event) {
      switch (event.kind) {
        case 'stray': {
          const { kind, id, change_id: changeId } = event.stray;
          if ('change_size' in event.stray) documents.set(documentKey({ kind, id }), { kind, id });
          if (!held.has(changeId)) changes.set(changeId, { changeId, kind, id });
          return;
        }
        case 'applied':
          hold(event.change.changeId);
          for (const record of event.change.records) documents.delete(documentKey(record));
          return;
        case 'audited':
          if (event.audit.action === 'void') changes.delete(event.audit.voids);
          return;
        case 'claimed':
        case 'unreadable':
          return;
      }
    },
    documents: () => [...documents.values()],
    changes: () => [...changes.values()],
  };
}
