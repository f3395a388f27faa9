/** What can go wrong in a simulated log, each with its chance per call, from 0 to 1. */

export interface SimulatedFaults {
  /** A send fails and stores nothing. */
  readonly sendFails: number;
  /** A send stores its records and fails. */
  readonly sendResponseLost: number;
  /** A send fails, and stores its records later, up to `delayMsMax` after. */
  readonly sendArrivesLate: number;
  /** A send stores its records twice and succeeds. */
  readonly sendStoredTwice: number;
  /** A commit fails and changes nothing. */
  readonly commitFails: number;
  /** A commit takes effect and fails. */
  readonly commitResponseLost: number;
  /** A poll, or a look at the offsets, fails. */
  readonly readFails: number;
  /** A partition of a group gets another owner (or the same one again); the old one learns of it up to `noticeMsMax` later and goes on until then. */
  readonly ownershipChanges: number;
  readonly noticeMsMax: number;
  /** The log goes away for up to `awayMsMax`: every call fails meanwhile. */
  readonly goesAway: number;
  readonly awayMsMax: number;
  /** Every call takes up to this long, in milliseconds. */
  readonly delayMsMax: number;
}

/** What happens by chance; the other fields say how long it lasts. */
export type SimulatedFault = Exclude<keyof SimulatedFaults, 'noticeMsMax' | 'awayMsMax' | 'delayMsMax'>;

export const NO_FAULTS: SimulatedFaults = {
  sendFails: 0,
  sendResponseLost: 0,
  sendArrivesLate: 0,
  sendStoredTwice: 0,
  commitFails: 0,
  commitResponseLost: 0,
  readFails: 0,
  ownershipChanges: 0,
  noticeMsMax: 0,
  goesAway: 0,
  awayMsMax: 0,
  delayMsMax: 0,
};
