/** One priced event as a line for people, or as JSON for programs. */
import {
  addUsage,
  formatUsd,
  inputTokens,
  outputTokens,
  type PicoUsd,
  type PricedEvent,
  type RejectedEvent,
  type Usage,
} from '@tokenledger/domain';

/** Time, tenant, key, model, tokens in and out, cost, outcome. Unknown is `?`, never 0. */
export function eventLine(priced: PricedEvent): string {
  const { event } = priced;
  const { input, output, cost } = totals(priced);
  return [
    clock(event.occurredAtMs),
    event.attribution.tenantId.padEnd(10),
    event.attribution.virtualKeyId.padEnd(14),
    (event.servedModel || event.requestedModel || '-').padEnd(28),
    `in ${quantity(input)}`.padEnd(10),
    `out ${quantity(output)}`.padEnd(10),
    (cost === null ? '?' : `$${formatUsd(cost)}`).padEnd(17),
    event.outcome,
  ].join('  ');
}

/** Amounts are decimal strings, unknown is null. */
export function eventJson(priced: PricedEvent): string {
  const { event } = priced;
  const { input, output, cost } = totals(priced);
  return JSON.stringify({
    event_id: event.eventId,
    request_id: event.requestId,
    occurred_at: new Date(event.occurredAtMs).toISOString(),
    tenant_id: event.attribution.tenantId,
    project_id: event.attribution.projectId,
    owner_id: event.attribution.ownerId,
    virtual_key_id: event.attribution.virtualKeyId,
    surface: event.surface,
    requested_model: event.requestedModel,
    served_model: event.servedModel,
    outcome: event.outcome,
    http_status: event.httpStatus,
    input_tokens: input,
    output_tokens: output,
    cost_usd: cost === null ? null : formatUsd(cost),
    unpriced_reason: priced.ratings.find((rating) => rating.unpricedReason !== '')?.unpricedReason ?? '',
    price_version: priced.priceVersion,
  });
}

export function rejectedLine(event: RejectedEvent): string {
  return `rejected  ${event.code}  ${event.source} ${event.sequence}  ${event.message}`;
}

export function rejectedJson(event: RejectedEvent): string {
  return JSON.stringify({ rejected: event.code, message: event.message, source: event.source, sequence: event.sequence });
}

interface Totals {
  readonly input: number | null;
  readonly output: number | null;
  readonly cost: PicoUsd | null;
}

function totals(priced: PricedEvent): Totals {
  const usages = priced.event.attempts.map((attempt) => attempt.usage).filter((usage): usage is Usage => usage !== null);
  const usage = addUsage(usages);
  const costs = priced.ratings.map((rating) => rating.cost);
  const known = costs.filter((cost): cost is PicoUsd => cost !== null);
  return {
    input: inputTokens(usage),
    output: outputTokens(usage),
    cost: known.length < costs.length || costs.length === 0 ? null : known.reduce((sum, cost) => sum + cost, 0n),
  };
}

function clock(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(11, 19);
}

function quantity(tokens: number | null): string {
  return tokens === null ? '?' : String(tokens);
}
