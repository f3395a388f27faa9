/** How a period is read: in slices of a bounded number of rows, tenant by tenant, which is how the ledger is sorted. Pure. */

/** Rows of one tenant and hour, in the order of tenants and hours. */
export interface HourCount {
  readonly tenant: string;
  /** Milliseconds since the epoch. */
  readonly hourMs: number;
  readonly rows: number;
}

export interface Slice {
  readonly tenants: readonly string[];
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
  /** Of so many buckets of events, this one: for an hour with more rows than a slice may have. */
  readonly buckets: number;
  readonly bucket: number;
  readonly rows: number;
}

export interface Period {
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
}

const HOUR_MS = 3_600_000;

/** Every hour stands in exactly one slice, or in all buckets of one. Buckets are about as large as each other, and may exceed `rowsMax` by that. */
export function sliced(counts: readonly HourCount[], period: Period, rowsMax: number): readonly Slice[] {
  const slices: Slice[] = [];
  let small: HourCount[] = [];
  const whole = (hours: readonly HourCount[], span: Period): void => {
    if (hours.length === 0) return;
    const tenants = [...new Set(hours.map(({ tenant }) => tenant))];
    slices.push({ tenants, fromMs: span.fromMs, toMs: span.toMs, buckets: 1, bucket: 0, rows: rowsOf(hours) });
  };
  for (const hours of Map.groupBy(counts, ({ tenant }) => tenant).values()) {
    if (rowsOf(hours) <= rowsMax) {
      if (rowsOf(small) + rowsOf(hours) > rowsMax) {
        whole(small, period);
        small = [];
      }
      small.push(...hours);
    } else slices.push(...ofTenant(hours, period, rowsMax));
  }
  whole(small, period);
  return slices;
}

function ofTenant(hours: readonly HourCount[], period: Period, rowsMax: number): readonly Slice[] {
  const slices: Slice[] = [];
  let run: HourCount[] = [];
  const flush = (): void => {
    const [first, last] = [run[0], run.at(-1)];
    if (first === undefined || last === undefined) return;
    const [span, rows] = [within({ fromMs: first.hourMs, toMs: last.hourMs + HOUR_MS }, period), rowsOf(run)];
    const buckets = Math.ceil(rows / rowsMax);
    for (let bucket = 0; bucket < buckets; bucket += 1) {
      slices.push({ tenants: [first.tenant], ...span, buckets, bucket, rows: Math.ceil(rows / buckets) });
    }
    run = [];
  };
  for (const hour of hours) {
    if (rowsOf(run) + hour.rows > rowsMax) flush();
    run.push(hour);
  }
  flush();
  return slices;
}

function within(span: Period, period: Period): Period {
  return { fromMs: Math.max(span.fromMs, period.fromMs), toMs: Math.min(span.toMs, period.toMs) };
}

function rowsOf(hours: readonly HourCount[]): number {
  return hours.reduce((sum, { rows }) => sum + rows, 0);
}
