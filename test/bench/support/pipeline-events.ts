/** Usage events of a platform in use: many tenants, keys and models, retries, refusals and unknown usage among them. The same number gives the same event. */
import {
  type Attempt,
  type Attribution,
  type Outcome,
  UNKNOWN_USAGE,
  type Usage,
  type UsageEvent,
  type UsageReason,
} from '@tokenledger/domain';

export interface EventPlace {
  readonly source: string;
  readonly partition: number;
  /** From 1. */
  readonly sequence: number;
  readonly occurredAtMs: number;
}

const TENANTS = 40;
const KEYS_PER_TENANT = 5;
const USERS_PER_TENANT = 2_000;

const RETRIED_SHARE = 0.04;
const REFUSED_SHARE = 0.02;
const UNREPORTED_SHARE = 0.01;

interface Model {
  readonly surface: 'openai.chat' | 'anthropic.messages';
  readonly provider: 'openai' | 'anthropic';
  readonly requestedModel: string;
  readonly servedModel: string;
  readonly serviceTier: string;
}

const openai = (requestedModel: string, servedModel: string): Model => ({
  surface: 'openai.chat',
  provider: 'openai',
  requestedModel,
  servedModel,
  serviceTier: 'default',
});
const anthropic = (requestedModel: string, servedModel: string): Model => ({
  surface: 'anthropic.messages',
  provider: 'anthropic',
  requestedModel,
  servedModel,
  serviceTier: 'standard',
});
const MODELS: readonly Model[] = [
  openai('gpt-4o-mini', 'gpt-4o-mini-2024-07-18'),
  anthropic('claude-sonnet-4-5', 'claude-sonnet-4-5-20250929'),
  openai('gpt-5-mini', 'gpt-5-mini-2025-08-07'),
  anthropic('claude-haiku-4-5', 'claude-haiku-4-5-20251001'),
  openai('gpt-4o', 'gpt-4o-2024-08-06'),
  anthropic('claude-opus-4-5', 'claude-opus-4-5-20251101'),
];

/** Independent draws for one event: equal for equal numbers. */
interface Draws {
  /** From 0 up to, not including, `below`. */
  integer(below: number): number;
  hex(characters: number): string;
  chance(share: number): boolean;
}

export function pipelineEvent({ source, partition, sequence, occurredAtMs }: EventPlace): UsageEvent {
  const draws = drawsOf(sequence, `${source}/${partition}`);
  // Squared: a few tenants send most of the requests.
  const tenant = Math.floor(TENANTS * (draws.integer(1_000) / 1_000) ** 2);
  const key = tenant * KEYS_PER_TENANT + draws.integer(KEYS_PER_TENANT);
  const model = MODELS[(key + draws.integer(2)) % MODELS.length] as Model;
  const channelId = `${model.provider}-${key % 2 === 0 ? 'main' : 'eu'}`;
  const served = { ...model, channelId, region: '' };
  const durationMs = 400 + draws.integer(6_000);
  const attempts = attemptsOf(draws, served, occurredAtMs, durationMs);
  const last = attempts.at(-1);
  const outcome: Outcome = last === undefined ? 'refused_limit' : 'ok';
  return {
    eventId: uuidOf(draws),
    requestId: uuidOf(draws),
    source,
    sequence,
    kind: 'usage',
    adjustsEventId: '',
    occurredAtMs,
    completedAtMs: occurredAtMs + durationMs,
    recordedAtMs: occurredAtMs + durationMs + 1,
    timeToFirstByteMs: last === undefined ? null : 230 + draws.integer(300),
    timeToFirstTokenMs: last === undefined ? null : 310 + draws.integer(300),
    durationMs,
    overheadUs: 60 + draws.integer(200),
    attribution: attributionOf(draws, tenant, key),
    surface: model.surface,
    requestedModel: model.requestedModel,
    servedModel: last === undefined ? '' : model.servedModel,
    provider: model.provider,
    channelId: last === undefined ? '' : channelId,
    routeType: 'direct',
    routeReason: '',
    serviceTier: last === undefined ? '' : model.serviceTier,
    region: '',
    streamed: draws.chance(0.6),
    outcome,
    httpStatus: last === undefined ? 429 : 200,
    errorClass: last === undefined ? 'rate_limited' : '',
    finishReason: last === undefined ? '' : model.provider === 'openai' ? 'stop' : 'end_turn',
    upstreamRequestId: last?.upstreamRequestId ?? '',
    traceId: draws.hex(32),
    attempts,
    counted: null,
    promptFingerprint: draws.hex(32),
    lastToolFingerprint: draws.chance(0.3) ? draws.hex(32) : '',
    requestBytes: 1_000 + draws.integer(100_000),
    responseBytes: last === undefined ? 120 : 800 + draws.integer(20_000),
    avoidedUsage: null,
  };
}

/** In the form of version 7, at random. */
function uuidOf(draws: Draws): string {
  return `${draws.hex(8)}-${draws.hex(4)}-7${draws.hex(3)}-8${draws.hex(3)}-${draws.hex(12)}`;
}

type Served = Pick<Attempt, 'provider' | 'channelId' | 'requestedModel' | 'servedModel' | 'serviceTier' | 'region'>;

function attemptsOf(draws: Draws, served: Served, occurredAtMs: number, durationMs: number): readonly Attempt[] {
  if (draws.chance(REFUSED_SHARE)) return [];
  const attempt = attemptOf(draws, served, occurredAtMs + 1, durationMs - 2);
  const answered = draws.chance(UNREPORTED_SHARE) ? { ...attempt, ...unknownUsage('not_reported') } : attempt;
  if (!draws.chance(RETRIED_SHARE)) return [answered];
  const failed = { ...attemptOf(draws, served, occurredAtMs + 1, 90), ...unknownUsage('upstream_error') };
  return [{ ...failed, servedModel: '', httpStatus: 503, errorClass: 'overloaded' }, answered];
}

function unknownUsage(usageReason: UsageReason): Pick<Attempt, 'usage' | 'usageSource' | 'usageReason' | 'rawUsage'> {
  return { usage: null, usageSource: 'none', usageReason, rawUsage: '' };
}

function attemptOf(
  draws: Draws,
  { provider, channelId, requestedModel, servedModel, serviceTier, region }: Served,
  startedAtMs: number,
  durationMs: number,
): Attempt {
  const { usage, rawUsage } = provider === 'openai' ? openaiUsage(draws) : anthropicUsage(draws);
  return {
    attemptId: uuidOf(draws),
    channelId,
    provider,
    requestedModel,
    servedModel,
    serviceTier,
    region,
    startedAtMs,
    completedAtMs: startedAtMs + durationMs,
    timeToFirstByteMs: 230 + draws.integer(300),
    httpStatus: 200,
    errorClass: '',
    upstreamRequestId: `req_${draws.hex(32)}`,
    usage,
    usageSource: 'reported',
    usageBasis: '',
    usageReason: '',
    usageFlags: [],
    rawUsage,
  };
}

interface Reported {
  readonly usage: Usage;
  readonly rawUsage: string;
}

function openaiUsage(draws: Draws): Reported {
  const input = 200 + draws.integer(4_000);
  const cached = draws.chance(0.4) ? Math.floor(input / 256) * 128 : 0;
  const output = 20 + draws.integer(900);
  const reasoning = draws.chance(0.3) ? Math.floor(output / 2) : 0;
  return {
    usage: {
      ...UNKNOWN_USAGE,
      uncached_input: input - cached,
      cache_read: cached,
      input_audio: 0,
      cached_audio: 0,
      visible_output: output - reasoning,
      reasoning,
      output_audio: 0,
    },
    rawUsage: `{"prompt_tokens":${input},"completion_tokens":${output},"total_tokens":${input + output},"prompt_tokens_details":{"cached_tokens":${cached},"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":${reasoning},"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}`,
  };
}

function anthropicUsage(draws: Draws): Reported {
  const input = 5 + draws.integer(3_000);
  const read = draws.chance(0.5) ? draws.integer(60_000) : 0;
  const written = draws.chance(0.2) ? draws.integer(8_000) : 0;
  const output = 20 + draws.integer(1_200);
  return {
    usage: {
      ...UNKNOWN_USAGE,
      uncached_input: input,
      cache_read: read,
      cache_write_5m: written,
      cache_write_1h: 0,
      visible_output: output,
      web_search_requests: 0,
    },
    rawUsage: `{"input_tokens":${input},"cache_creation_input_tokens":${written},"cache_read_input_tokens":${read},"cache_creation":{"ephemeral_5m_input_tokens":${written},"ephemeral_1h_input_tokens":0},"output_tokens":${output},"service_tier":"standard"}`,
  };
}

/** The key fixes for whom; the request says which user, task and conversation. */
function attributionOf(draws: Draws, tenant: number, key: number): Attribution {
  const application = ['helpdesk', 'search', 'coder', 'reports', 'triage'][key % KEYS_PER_TENANT] as string;
  return {
    tenantId: `tenant-${tenant}`,
    projectId: `project-${Math.floor(key / 2)}`,
    ownerId: `owner-${tenant * 2 + (key % 2)}`,
    team: `team-${tenant % 12}`,
    userId: `user-${tenant}-${draws.integer(USERS_PER_TENANT)}`,
    virtualKeyId: `vk-${key}`,
    application,
    applicationVersion: `2.${key % 7}.1`,
    feature: ['summarise', 'answer', 'extract'][draws.integer(3)] as string,
    workflowId: `wf-${draws.integer(500)}`,
    taskId: `task-${draws.hex(12)}`,
    taskType: 'summary',
    conversationId: `conv-${draws.hex(10)}`,
    environment: key % 4 === 0 ? 'staging' : 'production',
    promptVersion: `v${key % 9}`,
    mcpServer: '',
    labels: { region: 'eu', cohort: draws.chance(0.5) ? 'a' : 'b' },
    settlementKind: 'credits',
    settlementId: `credits-${tenant}`,
  };
}

/** Multiply-with-carry steps of a linear congruential generator (Numerical Recipes' constants), seeded by the event's number and where it was counted. */
function drawsOf(sequence: number, stream: string): Draws {
  let state = sequence >>> 0;
  for (let index = 0; index < stream.length; index += 1) state = (Math.imul(state, 31) + stream.charCodeAt(index)) >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.imul(state ^ (state >>> 15), 2_246_822_519) >>> 0;
  };
  const hex = (characters: number): string => {
    let text = '';
    while (text.length < characters) text += next().toString(16).padStart(8, '0');
    return text.slice(0, characters);
  };
  return { integer: (below) => next() % below, hex, chance: (share) => next() < share * 2 ** 32 };
}
