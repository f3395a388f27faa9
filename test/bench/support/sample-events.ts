/** Usage events as the two surfaces record them, each different: full attribution, one attempt, its raw usage. */
import { UNKNOWN_USAGE, type UsageEvent } from '@tokenledger/domain';

const START_MS = Date.parse('2026-11-21T12:00:00Z');

export function sampleEvents(count: number): readonly UsageEvent[] {
  return Array.from({ length: count }, (_, index) => (index % 2 === 0 ? openaiEvent(index) : anthropicEvent(index)));
}

function id(index: number, kind: number): string {
  return `019aa6c0-${kind.toString(16).padStart(4, '0')}-7abc-8def-${index.toString(16).padStart(12, '0')}`;
}

function openaiEvent(index: number): UsageEvent {
  const event = commonEvent(index);
  const cached = (index % 7) * 128;
  const raw = `{"prompt_tokens":${1_200 + index},"completion_tokens":420,"total_tokens":${1_620 + index},"prompt_tokens_details":{"cached_tokens":${cached},"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":256,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}`;
  const served = {
    provider: 'openai',
    channelId: 'openai-main',
    requestedModel: 'gpt-5-mini',
    servedModel: 'gpt-5-mini-2025-08-07',
    serviceTier: 'default',
  };
  const upstreamRequestId = `req_${index.toString(16).padStart(32, '0')}`;
  return {
    ...event,
    ...served,
    surface: 'openai.chat',
    finishReason: 'stop',
    upstreamRequestId,
    attempts: [
      {
        ...commonAttempt(index),
        ...served,
        upstreamRequestId,
        usage: {
          ...UNKNOWN_USAGE,
          uncached_input: 1_200 + index - cached,
          cache_read: cached,
          input_audio: 0,
          cached_audio: 0,
          visible_output: 164,
          reasoning: 256,
          output_audio: 0,
        },
        rawUsage: raw,
      },
    ],
  };
}

function anthropicEvent(index: number): UsageEvent {
  const event = commonEvent(index);
  const raw = `{"input_tokens":${12 + index},"cache_creation_input_tokens":2048,"cache_read_input_tokens":${30_000 + index},"cache_creation":{"ephemeral_5m_input_tokens":2048,"ephemeral_1h_input_tokens":0},"output_tokens":420,"service_tier":"standard"}`;
  const served = {
    provider: 'anthropic',
    channelId: 'anthropic-main',
    requestedModel: 'claude-sonnet-4-5',
    servedModel: 'claude-sonnet-4-5-20250929',
    serviceTier: 'standard',
  };
  const upstreamRequestId = `req_011CQ${index.toString(36).padStart(18, '0')}`;
  return {
    ...event,
    ...served,
    surface: 'anthropic.messages',
    finishReason: 'end_turn',
    upstreamRequestId,
    attempts: [
      {
        ...commonAttempt(index),
        ...served,
        upstreamRequestId,
        usage: {
          ...UNKNOWN_USAGE,
          uncached_input: 12 + index,
          cache_read: 30_000 + index,
          cache_write_5m: 2_048,
          cache_write_1h: 0,
          visible_output: 420,
          web_search_requests: 0,
        },
        usageFlags: ['split_unknown'],
        rawUsage: raw,
      },
    ],
  };
}

function commonAttempt(index: number) {
  return {
    attemptId: id(index, 3),
    region: '',
    startedAtMs: START_MS + index,
    completedAtMs: START_MS + index + 1_234,
    timeToFirstByteMs: 230,
    httpStatus: 200,
    errorClass: '',
    usageSource: 'reported',
    usageBasis: '',
    usageReason: '',
    usageFlags: [],
  } as const;
}

function commonEvent(
  index: number,
): Omit<
  UsageEvent,
  | 'surface'
  | 'provider'
  | 'channelId'
  | 'requestedModel'
  | 'servedModel'
  | 'serviceTier'
  | 'finishReason'
  | 'upstreamRequestId'
  | 'attempts'
> {
  return {
    eventId: id(index, 1),
    requestId: id(index, 2),
    source: 'ingress/019aa6c0-0000-7abc-8def-000000000000',
    sequence: index + 1,
    kind: 'usage',
    adjustsEventId: '',
    occurredAtMs: START_MS + index,
    completedAtMs: START_MS + index + 1_235,
    recordedAtMs: START_MS + index + 1_236,
    timeToFirstByteMs: 231,
    timeToFirstTokenMs: 310,
    durationMs: 1_235,
    overheadUs: 84,
    attribution: {
      tenantId: `tenant-${index % 5}`,
      projectId: 'support-bot',
      ownerId: 'owner-ada',
      team: 'support',
      userId: `user-${4_000 + (index % 97)}`,
      virtualKeyId: `vk-${index % 11}`,
      application: 'helpdesk',
      applicationVersion: '2.14.1',
      feature: 'summarise',
      workflowId: `wf-${index % 31}`,
      taskId: `task-${index}`,
      taskType: 'summary',
      conversationId: `conv-${8_000 + index}`,
      environment: 'production',
      promptVersion: 'v7',
      mcpServer: '',
      labels: { region: 'eu', cohort: index % 3 === 0 ? 'a' : 'b' },
      settlementKind: 'credits',
      settlementId: 'credits-1',
    },
    routeType: 'direct',
    routeReason: '',
    region: '',
    streamed: index % 3 === 0,
    outcome: 'ok',
    httpStatus: 200,
    errorClass: '',
    traceId: `4bf92f3577b34da6a3ce929d${index.toString(16).padStart(8, '0')}`,
    counted: null,
    promptFingerprint: `9f86d081884c7d659a2feaa0${index.toString(16).padStart(8, '0')}`,
    lastToolFingerprint: '',
    requestBytes: 98_123 + index,
    responseBytes: 18_233,
    avoidedUsage: null,
  };
}
