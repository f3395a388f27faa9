/** One upstream call and one local count, as a usage event's Avro record nests them. */
import type { Attempt, Counted, Usage, UsageBasis, UsageReason, UsageSource } from '@tokenledger/domain';

export interface AttemptRow {
  readonly attempt_id: string;
  readonly channel_id: string;
  readonly provider: string;
  readonly requested_model: string;
  readonly served_model: string;
  readonly service_tier: string;
  readonly region: string;
  readonly started_at_ms: number;
  readonly completed_at_ms: number | null;
  readonly time_to_first_byte_ms: number | null;
  readonly http_status: number | null;
  readonly error_class: string;
  readonly upstream_request_id: string;
  readonly usage: Usage | null;
  readonly usage_source: UsageSource;
  readonly usage_basis: UsageBasis;
  readonly usage_reason: UsageReason;
  readonly usage_flags: readonly string[];
  readonly raw_usage: string;
}

export interface CountedRow {
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly tokenizer: string;
  readonly method: Counted['method'];
  readonly reason: string;
}

export function attemptRow(attempt: Attempt): AttemptRow {
  return {
    attempt_id: attempt.attemptId,
    channel_id: attempt.channelId,
    provider: attempt.provider,
    requested_model: attempt.requestedModel,
    served_model: attempt.servedModel,
    service_tier: attempt.serviceTier,
    region: attempt.region,
    started_at_ms: attempt.startedAtMs,
    completed_at_ms: attempt.completedAtMs,
    time_to_first_byte_ms: attempt.timeToFirstByteMs,
    http_status: attempt.httpStatus,
    error_class: attempt.errorClass,
    upstream_request_id: attempt.upstreamRequestId,
    usage: attempt.usage,
    usage_source: attempt.usageSource,
    usage_basis: attempt.usageBasis,
    usage_reason: attempt.usageReason,
    usage_flags: attempt.usageFlags,
    raw_usage: attempt.rawUsage,
  };
}

export function attemptFromRow(row: AttemptRow): Attempt {
  return {
    attemptId: row.attempt_id,
    channelId: row.channel_id,
    provider: row.provider,
    requestedModel: row.requested_model,
    servedModel: row.served_model,
    serviceTier: row.service_tier,
    region: row.region,
    startedAtMs: row.started_at_ms,
    completedAtMs: row.completed_at_ms,
    timeToFirstByteMs: row.time_to_first_byte_ms,
    httpStatus: row.http_status,
    errorClass: row.error_class,
    upstreamRequestId: row.upstream_request_id,
    usage: row.usage,
    usageSource: row.usage_source,
    usageBasis: row.usage_basis,
    usageReason: row.usage_reason,
    usageFlags: row.usage_flags,
    rawUsage: row.raw_usage,
  };
}

export function countedRow(counted: Counted): CountedRow {
  return {
    input_tokens: counted.inputTokens,
    output_tokens: counted.outputTokens,
    tokenizer: counted.tokenizer,
    method: counted.method,
    reason: counted.reason,
  };
}

export function countedFromRow(row: CountedRow): Counted {
  return {
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
    tokenizer: row.tokenizer,
    method: row.method,
    reason: row.reason,
  };
}
