/** Hours of the day, in UTC, in which a price holds; on all days, or on some of the week. */

export interface TimeOfDay {
  /** Minute of the day, 0 to 1439. */
  readonly fromMinute: number;
  /** The first minute that is not in it any more; one before `fromMinute` is of the next day. */
  readonly toMinute: number;
  /** Days of the week, UTC, first and last; 0 is Sunday. Absent: every day. */
  readonly days?: readonly [number, number];
}

const PATTERN = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)(?: ([a-z]{3})-([a-z]{3}))?$/;
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** Reads `16:30-00:30` and `01:00-04:00 mon-fri`. Null for anything else, for hours without length, and for hours of some days that end on the next. */
export function parseTimeOfDay(text: string): TimeOfDay | null {
  const match = PATTERN.exec(text);
  if (match === null) return null;
  const fromMinute = Number(match[1]) * 60 + Number(match[2]);
  const toMinute = Number(match[3]) * 60 + Number(match[4]);
  if (fromMinute === toMinute) return null;
  if (match[5] === undefined || match[6] === undefined) return { fromMinute, toMinute };
  const [first, last] = [DAYS.indexOf(match[5]), DAYS.indexOf(match[6])];
  return first === -1 || last === -1 || toMinute < fromMinute ? null : { fromMinute, toMinute, days: [first, last] };
}

export function formatTimeOfDay({ fromMinute, toMinute, days }: TimeOfDay): string {
  const hours = `${clock(fromMinute)}-${clock(toMinute)}`;
  return days === undefined ? hours : `${hours} ${days.map((day) => DAYS[day]).join('-')}`;
}

const MINUTE_MS = 60_000;
const MINUTES_PER_DAY = 1_440;
const DAYS_PER_WEEK = 7;
/** The epoch began on a Thursday. */
const EPOCH_DAY = 4;

export function isWithin(time: TimeOfDay, atMs: number): boolean {
  const minutes = Math.floor(atMs / MINUTE_MS);
  return hasMinute(time, minutes % MINUTES_PER_DAY) && hasDay(time, (Math.floor(minutes / MINUTES_PER_DAY) + EPOCH_DAY) % DAYS_PER_WEEK);
}

/** True when a moment is within both. */
export function haveMomentInCommon(left: TimeOfDay, right: TimeOfDay): boolean {
  return (
    (hasMinute(left, right.fromMinute) || hasMinute(right, left.fromMinute)) &&
    DAYS.some((_, day) => hasDay(left, day) && hasDay(right, day))
  );
}

function hasMinute({ fromMinute, toMinute }: TimeOfDay, minute: number): boolean {
  return fromMinute < toMinute ? minute >= fromMinute && minute < toMinute : minute >= fromMinute || minute < toMinute;
}

function hasDay({ days }: TimeOfDay, day: number): boolean {
  if (days === undefined) return true;
  const [first, last] = days;
  return first <= last ? day >= first && day <= last : day >= first || day <= last;
}

function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}
