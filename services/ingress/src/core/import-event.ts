/** Builds the event of a result that the provider identifies. Pure. Whoever reads the result builds the same event, but for who it is for where that is not
 *  known: the first that lands is the one that counts. */
import type { Attempt, Attribution, UsageEvent } from '@tokenledger/domain';
import type { IdentifiedResult, ObservedAnswer } from '@tokenledger/providers';

export interface ImportContext {
  readonly source: string;
  readonly eventId: string;
  /** What handed it in; undefined when this ingress does not know. */
  readonly submission: UsageEvent | undefined;
  /** Whoever reads the result, and pays for what nobody is known to have handed in. */
  readonly reader: { readonly requestId: string; readonly attribution: Attribution };
  readonly channel: { readonly id: string; readonly provider: string; readonly region: string };
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

export function importEvent(result: IdentifiedResult, context: ImportContext): UsageEvent {
  const { submission, reader, channel } = context;
  const { answer } = result;
  const occurredAtMs = result.occurredAtMs ?? submission?.occurredAtMs ?? context.nowMs;
  const requestedModel = submission?.requestedModel ?? '';
  return {
    eventId: context.eventId,
    requestId: submission?.requestId ?? reader.requestId,
    source: context.source,
    sequence: result.sequence,
    kind: 'import',
    adjustsEventId: submission?.eventId ?? '',
    occurredAtMs,
    completedAtMs: null,
    recordedAtMs: context.nowMs,
    timeToFirstByteMs: null,
    timeToFirstTokenMs: null,
    durationMs: null,
    overheadUs: null,
    attribution: submission?.attribution ?? reader.attribution,
    surface: result.surface,
    requestedModel,
    servedModel: answer.servedModel,
    provider: channel.provider,
    channelId: channel.id,
    routeType: 'direct',
    routeReason: result.origin,
    serviceTier: answer.serviceTier,
    region: channel.region,
    streamed: false,
    outcome: answer.usage === null && answer.usageReason !== 'not_reported' ? 'upstream_error' : 'ok',
    httpStatus: result.httpStatus,
    errorClass: answer.errorClass,
    finishReason: answer.finishReason,
    upstreamRequestId: submission?.upstreamRequestId ?? result.name,
    traceId: submission?.traceId ?? '',
    attempts: [attemptOf(result, { requestedModel, occurredAtMs }, context)],
    counted: null,
    promptFingerprint: '',
    lastToolFingerprint: '',
    requestBytes: null,
    responseBytes: null,
    avoidedUsage: null,
  };
}

/** The event of the call itself has no usage: whoever fetches the answer again would count it once more. */
export function countedByName(observed: ObservedAnswer): ObservedAnswer {
  return { ...observed, usage: null, usageReason: 'reported_later', usageFlags: [], rawUsage: '' };
}

function attemptOf(
  { answer, callId, httpStatus }: IdentifiedResult,
  { requestedModel, occurredAtMs }: Pick<UsageEvent, 'requestedModel' | 'occurredAtMs'>,
  { channel }: ImportContext,
): Attempt {
  return {
    attemptId: '',
    channelId: channel.id,
    provider: channel.provider,
    requestedModel,
    servedModel: answer.servedModel,
    serviceTier: answer.serviceTier,
    region: channel.region,
    startedAtMs: occurredAtMs,
    completedAtMs: null,
    timeToFirstByteMs: null,
    httpStatus,
    errorClass: answer.errorClass,
    upstreamRequestId: callId,
    usage: answer.usage,
    usageSource: answer.usage === null ? 'none' : 'reported',
    usageBasis: '',
    usageReason: answer.usageReason,
    usageFlags: answer.usageFlags,
    rawUsage: answer.rawUsage,
  };
}
