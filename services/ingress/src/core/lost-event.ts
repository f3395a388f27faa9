/** The event for a number whose bytes the journal cannot supply any more: it says that there was a request, and nothing else. Pure. */
import type { UsageEvent } from '@tokenledger/domain';

/** Nobody's: an id that no tenant can have. */
const UNKNOWN_TENANT = '_unknown';

export interface LostNumber {
  readonly eventId: string;
  readonly source: string;
  readonly sequence: number;
  /** When the loss was found; when the request came is not known. Milliseconds since the epoch. */
  readonly atMs: number;
}

export function lostEvent({ eventId, source, sequence, atMs }: LostNumber): UsageEvent {
  return {
    eventId,
    requestId: eventId,
    source,
    sequence,
    kind: 'usage',
    adjustsEventId: '',
    occurredAtMs: atMs,
    completedAtMs: null,
    recordedAtMs: atMs,
    timeToFirstByteMs: null,
    timeToFirstTokenMs: null,
    durationMs: null,
    overheadUs: null,
    attribution: {
      tenantId: UNKNOWN_TENANT,
      projectId: '',
      ownerId: '',
      team: '',
      userId: '',
      virtualKeyId: '',
      application: '',
      applicationVersion: '',
      feature: '',
      workflowId: '',
      taskId: '',
      taskType: '',
      conversationId: '',
      environment: '',
      promptVersion: '',
      mcpServer: '',
      labels: {},
      settlementKind: '',
      settlementId: '',
    },
    surface: '',
    requestedModel: '',
    servedModel: '',
    provider: '',
    channelId: '',
    routeType: '',
    routeReason: '',
    serviceTier: '',
    region: '',
    streamed: false,
    outcome: 'unresolved',
    httpStatus: null,
    errorClass: 'journal_lost',
    finishReason: '',
    upstreamRequestId: '',
    traceId: '',
    attempts: [],
    counted: null,
    promptFingerprint: '',
    lastToolFingerprint: '',
    requestBytes: null,
    responseBytes: null,
    avoidedUsage: null,
  };
}
