/** What is told of a statement to people: who posted it, why, and of what it is. It stands on the record of its source, and so beside its rows. */
import { z } from 'zod';

const instant = z.iso.datetime({ precision: 3 });
const TEXT_MAX = 2_000;

export const statementFactsSchema = z.object({
  kind: z.string().min(1).max(50),
  by: z.string().max(200),
  note: z.string().max(TEXT_MAX),
  /** Of `occurred_at`; `to` is exclusive. */
  from: instant,
  to: instant,
  /** Why it may correct closed periods; `''` where it corrects none. */
  reopen: z.string().max(TEXT_MAX),
  /** The closed periods that it was let into, as they were closed then. `tenant` is empty for all tenants. */
  reopened: z.array(z.object({ id: z.string(), tenant: z.string(), from: instant, to: instant })).max(1_000),
  /** Of what it was made, e.g. the version of the price book. */
  details: z.record(z.string(), z.string().max(TEXT_MAX)),
});

export type StatementFacts = z.infer<typeof statementFactsSchema>;
