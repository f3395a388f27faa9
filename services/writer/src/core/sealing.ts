/** What has to be done about each day: sealed, sealed anew, its raw rows let go. Pure.
 *
 *  | the day is over | tenant in sealed days | its raw rows               | then                                                        |
 *  | --------------- | --------------------- | -------------------------- | ----------------------------------------------------------- |
 *  | no              | –                     | –                          | nothing                                                     |
 *  | yes             | live                  | as many as were sealed     | nothing                                                     |
 *  | yes             | live, or not there    | another number             | the day is built anew                                       |
 *  | yes             | live, or not there    | kept for long enough       | built anew with the numbers that are in it, then they leave |
 *  | yes             | retired               | none                       | nothing                                                     |
 *  | yes             | retired               | some: late, or left behind | what is not in the sums is added, then they leave           | */

/** `YYYY-MM-DD`, in UTC. */
export type Day = string;

/** Raw rows of a day and tenant. */
export interface BaseCount {
  readonly day: Day;
  readonly tenantId: string;
  readonly rows: number;
}

export interface SealedCount extends BaseCount {
  /** Its sums count in place of its raw rows. */
  readonly retired: boolean;
}

/** For how many days raw rows stay once their day is over; 0: for ever. */
export interface Retention {
  readonly days: number;
  readonly byTenant: ReadonlyMap<string, number>;
}

export interface SealingState {
  readonly base: readonly BaseCount[];
  readonly sealed: readonly SealedCount[];
  /** Milliseconds since the epoch. */
  readonly watermarkMs: number;
  /** Raw rows leave only when this agrees that it is time: an event that claims to be of next year must not let the present go. */
  readonly nowMs: number;
  readonly retention: Retention;
  /** Raw rows of a day that leave in one go, unless one tenant alone has more: their numbers are held in memory, some 100 bytes each. */
  readonly leavingRowsMax: number;
}

export interface DayPlan {
  readonly day: Day;
  /** Tenants whose sums count from now on in place of their raw rows; those that were retired before among them. */
  readonly retired: readonly string[];
  /** Whether raw rows of `retired` are to leave once the day is built. */
  readonly clears: boolean;
}

const DAY_MS = 86_400_000;

/** Days to build, the oldest first. */
export function planSealing(state: SealingState): readonly DayPlan[] {
  const lastDay = dayOf(state.watermarkMs - DAY_MS);
  const sealedByDay = groupByTenant(state.sealed);
  const baseByDay = groupByTenant(state.base);
  const days = new Set([...sealedByDay.keys(), ...baseByDay.keys()]);
  return [...days]
    .filter((day) => day <= lastDay)
    .toSorted()
    .map((day) => planDay(day, baseByDay.get(day) ?? new Map(), sealedByDay.get(day) ?? new Map(), state))
    .filter((plan) => plan !== null);
}

function planDay(
  day: Day,
  base: ReadonlyMap<string, BaseCount>,
  sealed: ReadonlyMap<string, SealedCount>,
  state: SealingState,
): DayPlan | null {
  const retired: string[] = [];
  let [builds, clears, leaving] = [false, false, 0];
  for (const tenantId of [...new Set([...base.keys(), ...sealed.keys()])].toSorted()) {
    const rows = base.get(tenantId)?.rows ?? 0;
    const before = sealed.get(tenantId);
    const wasRetired = before?.retired === true;
    const fits = leaving === 0 || leaving + rows <= state.leavingRowsMax;
    const leaves = wasRetired || (fits && isDue(day, tenantId, state));
    if (leaves) {
      retired.push(tenantId);
      leaving += rows;
    }
    if (leaves ? rows > 0 : rows !== (before?.rows ?? 0)) builds = true;
    if (leaves && rows > 0) clears = true;
  }
  return builds ? { day, retired, clears } : null;
}

function isDue(day: Day, tenantId: string, { retention, watermarkMs, nowMs }: SealingState): boolean {
  const days = retention.byTenant.get(tenantId) ?? retention.days;
  if (days === 0) return false;
  return day < dayOf(Math.min(watermarkMs, nowMs) - days * DAY_MS);
}

export function dayOf(ms: number): Day {
  return new Date(ms).toISOString().slice(0, 10);
}

function groupByTenant<Count extends BaseCount>(counts: readonly Count[]): ReadonlyMap<Day, ReadonlyMap<string, Count>> {
  const byDay = new Map<Day, Map<string, Count>>();
  for (const count of counts) {
    const tenants = byDay.get(count.day);
    if (tenants === undefined) byDay.set(count.day, new Map([[count.tenantId, count]]));
    else tenants.set(count.tenantId, count);
  }
  return byDay;
}
