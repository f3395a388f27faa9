/** What can go wrong in a run, by kind, and how often it did. */

export const FAULT_KINDS = [
  // The event log.
  'sendFails',
  'sendResponseLost',
  'sendArrivesLate',
  'sendStoredTwice',
  'commitFails',
  'commitResponseLost',
  'readFails',
  'ownershipChanges',
  'goesAway',
  // Processes.
  'ingressKilled',
  'ingressKilledInRecovery',
  'pricerKilled',
  'writerKilled',
  'ingressStopped',
  'pricerStopped',
  'writerStopped',
  'powerCut',
  'clockJump',
  'journalRestored',
  // Disks of ingresses.
  'writeTorn',
  'diskFull',
  'syncStalls',
  // ClickHouse.
  'queryFails',
  'insertFails',
  'insertResponseLost',
  'insertHeld',
  'insertInParts',
  'partLostTokenKept',
  'databaseKilled',
  'replicaLags',
  // The provider.
  'providerRefuses',
  'answerBreaks',
  // Whoever else writes to the log.
  'poison',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

export class FaultCounts {
  readonly #counts = new Map<FaultKind, number>(FAULT_KINDS.map((kind) => [kind, 0]));

  add(kind: FaultKind, count = 1): void {
    this.#counts.set(kind, this.of(kind) + count);
  }

  of(kind: FaultKind): number {
    return this.#counts.get(kind) ?? 0;
  }

  get total(): number {
    return FAULT_KINDS.reduce((sum, kind) => sum + this.of(kind), 0);
  }

  entries(): readonly (readonly [FaultKind, number])[] {
    return FAULT_KINDS.map((kind) => [kind, this.of(kind)]);
  }
}
