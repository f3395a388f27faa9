/** The bytes of an event that recovery makes, and the key it is published under. */

export interface RecoveredEvent {
  readonly key: string;
  readonly value: Uint8Array;
}
