/** What can be asked of the registry, and what becomes of it: documents as they are to be, not yet numbered or signed. */
import type {
  AuditAction,
  ChangeAnswer,
  ControlDocument,
  ControlKind,
  ControlRecord,
  DocumentInput,
  KeySecret,
  VirtualKeyInput,
} from '@tokenledger/control';

export type ChangeRequest =
  | {
      readonly kind: 'apply';
      readonly documents: readonly DocumentInput[];
      /** By `kind/id`; 0 for none. */
      readonly expectedVersions: Readonly<Record<string, number>>;
    }
  | {
      readonly kind: 'delete';
      readonly of: { readonly kind: ControlKind; readonly id: string };
      readonly expectedVersion?: number | undefined;
    }
  | { readonly kind: 'create_key'; readonly key: VirtualKeyInput; readonly secret: KeySecret }
  | {
      readonly kind: 'rotate_key';
      readonly id: string;
      readonly secret: KeySecret;
      /** The secrets of before go on working for so long, in seconds. */
      readonly overlapS: number;
      readonly expectedVersion?: number | undefined;
    }
  | { readonly kind: 'revoke_key'; readonly id: string; readonly expectedVersion?: number | undefined };

/** The version of each document that holds, deleted ones included, by `kind/id`. */
export type Records = ReadonlyMap<string, ControlRecord>;

export interface DecideContext {
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  /** How far ahead a price book must be activated, in milliseconds. */
  readonly activationLeadMs: number;
}

/** One document as it is to be. */
export interface Draft {
  readonly kind: ControlKind;
  readonly id: string;
  readonly action: Exclude<AuditAction, 'void'>;
  /** Null: deleted. */
  readonly document: ControlDocument | null;
}

export interface Decided {
  readonly kind: 'decided';
  /** None when everything is already as it was asked for. */
  readonly drafts: readonly Draft[];
  readonly results: ChangeAnswer['results'];
}

/** Undefined when there is none, or none any more. */
export function liveRecord(
  records: Records,
  of: { readonly kind: ControlKind; readonly id: string },
): (ControlRecord & { readonly document: ControlDocument }) | undefined {
  const record = records.get(`${of.kind}/${of.id}`);
  return record === undefined || record.document === null ? undefined : { ...record, document: record.document };
}

export function liveDocuments(records: Records): readonly ControlDocument[] {
  return Array.from(records.values()).flatMap(({ document }) => (document === null ? [] : [document]));
}
