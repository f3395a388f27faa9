/** Hours of the day, in UTC, in which a price holds. */

export interface TimeOfDay {
  /** Minute of the day, 0 to 1439. */
  readonly fromMinute: number;
  /** The first minute that is not in it any more; one before `fromMinute` is of the next day. */
  readonly toMinute: number;
}

const PATTERN = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/;

/** Reads `16:30-00:30`. Null for anything else, and for hours without length. */
export function parseTimeOfDay(text: string): TimeOfDay | null {
  const match = PATTERN.exec(text);
  if (match === null) return null;
  const fromMinute = Number(match[1]) * 60 + Number(match[2]);
  const toMinute = Number(match[3]) * 60 + Number(match[4]);
  return fromMinute === toMinute ? null : { fromMinute, toMinute };
}

export function formatTimeOfDay({ fromMinute, toMinute }: TimeOfDay): string {
  return `${clock(fromMinute)}-${clock(toMinute)}`;
}

export function isWithin({ fromMinute, toMinute }: TimeOfDay, minute: number): boolean {
  return fromMinute < toMinute ? minute >= fromMinute && minute < toMinute : minute >= fromMinute || minute < toMinute;
}

function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}
