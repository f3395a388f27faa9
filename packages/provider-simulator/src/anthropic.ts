/** Anthropic's messages as the real API answers them. */
import type { AnswerContext, ErrorContext, Provider } from './provider.ts';
import { hashOf, isObject, objects, requiredMembers, type ChatRequest, type JsonObject } from './request.ts';

export const anthropic: Provider = {
  surface: 'anthropic.messages',
  path: '/v1/messages',
  idPrefix: 'msg_',
  requestIdHeader: 'request-id',
  headers: {
    'anthropic-organization-id': '00000000-0000-4000-8000-000000000000',
    'anthropic-ratelimit-requests-limit': '4000',
    'anthropic-ratelimit-requests-remaining': '3999',
    'anthropic-ratelimit-tokens-limit': '2000000',
    'anthropic-ratelimit-tokens-remaining': '1999000',
  },

  readRequest(body: JsonObject, bytes: Buffer, model: string): ChatRequest | string {
    if (!Array.isArray(body['messages'])) return 'messages: Field required';
    if (typeof body['max_tokens'] !== 'number') return 'max_tokens: Field required';
    const tools = objects(body['tools']);
    const tool = tools.find((entry) => isObject(entry['input_schema']));
    const last = objects(body['messages']).at(-1);
    const answered = objects(last?.['content']).some((block) => block['type'] === 'tool_result');
    const declined = isObject(body['tool_choice']) && body['tool_choice']['type'] === 'none';
    return {
      model,
      streamed: body['stream'] === true,
      bytes: bytes.length,
      hash: hashOf(bytes),
      maxTokens: body['max_tokens'],
      tool:
        tool === undefined || answered || declined
          ? undefined
          : { name: String(tool['name']), required: requiredMembers(tool['input_schema']) },
      reasons: isObject(body['thinking']) && body['thinking']['type'] !== 'disabled',
      audio: false,
      webSearch: tools.some((entry) => String(entry['type']).startsWith('web_search')),
      cacheWrites: true,
      includeUsage: true,
      defaultTier: 'standard',
    };
  },

  usage(context: AnswerContext): unknown {
    const { classes } = context.plan;
    return { ...startUsage(context), ...endUsage(context), output_tokens: classes.visible_output + classes.reasoning };
  },

  reports({ script }: AnswerContext): boolean {
    return script.no_usage !== true;
  },

  plain(context: AnswerContext, usage: unknown): string {
    return JSON.stringify({
      ...message(context),
      content: blocks(context).map(({ block, deltas }) => filled(block, deltas)),
      stop_reason: stopReason(context),
      ...(context.script.no_usage === true ? {} : { usage }),
    });
  },

  /** Usage comes in two parts: the input at the start, with a first count of output that is not to be added; all of it, cumulative, at the end. */
  events(context: AnswerContext, usage: unknown): readonly string[] {
    const states = context.script.no_usage !== true;
    const dictated = context.script.usage !== undefined;
    const start = {
      ...message(context),
      content: [],
      stop_reason: null,
      ...(states ? { usage: dictated ? usage : startUsage(context) } : {}),
    };
    const delta = { stop_reason: stopReason(context), stop_sequence: null };
    return [
      event({ type: 'message_start', message: start }),
      event({ type: 'ping' }),
      ...blocks(context).flatMap(({ block, deltas }, index) => [
        event({ type: 'content_block_start', index, content_block: block }),
        ...deltas.map((part) => event({ type: 'content_block_delta', index, delta: part })),
        event({ type: 'content_block_stop', index }),
      ]),
      event({ type: 'message_delta', delta, ...(states ? { usage: dictated ? usage : deltaUsage(context) } : {}) }),
      event({ type: 'message_stop' }),
    ];
  },

  error({ type, message: text, status, requestId }: ErrorContext): string {
    return JSON.stringify({ type: 'error', error: { type: type ?? errorType(status), message: text }, request_id: requestId });
  },

  errorEvent(context: ErrorContext): string {
    return event(JSON.parse(anthropic.error(context)));
  },
};

interface Block {
  readonly block: JsonObject;
  readonly deltas: readonly JsonObject[];
}

function event(data: JsonObject): string {
  return `event: ${String(data['type'])}\ndata: ${JSON.stringify(data)}\n\n`;
}

function message({ plan, id }: AnswerContext): JsonObject {
  return { model: plan.servedModel, id, type: 'message', role: 'assistant', content: [], stop_reason: null, stop_sequence: null };
}

function stopReason({ plan }: AnswerContext): string {
  if (plan.tool !== undefined) return 'tool_use';
  return plan.truncated ? 'max_tokens' : 'end_turn';
}

function startUsage({ plan: { classes, serviceTier } }: AnswerContext): JsonObject {
  return {
    input_tokens: classes.uncached_input,
    cache_creation_input_tokens: classes.cache_write_5m + classes.cache_write_1h,
    cache_read_input_tokens: classes.cache_read,
    cache_creation: { ephemeral_5m_input_tokens: classes.cache_write_5m, ephemeral_1h_input_tokens: classes.cache_write_1h },
    output_tokens: 1,
    service_tier: serviceTier,
    inference_geo: 'not_available',
  };
}

function endUsage({ plan: { classes } }: AnswerContext): JsonObject {
  return {
    output_tokens_details: { thinking_tokens: classes.reasoning },
    ...(classes.web_search_requests > 0
      ? { server_tool_use: { web_search_requests: classes.web_search_requests, web_fetch_requests: 0 } }
      : {}),
  };
}

function deltaUsage(context: AnswerContext): JsonObject {
  const { classes } = context.plan;
  return {
    input_tokens: classes.uncached_input,
    cache_creation_input_tokens: classes.cache_write_5m + classes.cache_write_1h,
    cache_read_input_tokens: classes.cache_read,
    output_tokens: classes.visible_output + classes.reasoning,
    ...endUsage(context),
  };
}

function blocks({ plan, id }: AnswerContext): readonly Block[] {
  const found: Block[] = [];
  if (plan.classes.reasoning > 0) {
    found.push({
      block: { type: 'thinking', thinking: '', signature: '' },
      deltas: [
        { type: 'thinking_delta', thinking: 'Let me think.' },
        { type: 'signature_delta', signature: 'c2lt' },
      ],
    });
  }
  if (plan.webSearch) {
    const call = `srvtoolu_${id.slice(-12)}`;
    found.push({
      block: { type: 'server_tool_use', id: call, name: 'web_search', input: {} },
      deltas: [{ type: 'input_json_delta', partial_json: '{"query":"rain"}' }],
    });
    found.push({ block: { type: 'web_search_tool_result', tool_use_id: call, content: [] }, deltas: [] });
  }
  if (plan.tool === undefined) {
    found.push({ block: { type: 'text', text: '' }, deltas: plan.pieces.map((text) => ({ type: 'text_delta', text })) });
  } else {
    const text = plan.tool.argumentsText;
    const half = Math.ceil(text.length / 2);
    found.push({
      block: { type: 'tool_use', id: `toolu_${id.slice(-12)}`, name: plan.tool.name, input: {} },
      deltas: ['', text.slice(0, half), text.slice(half)].map((part) => ({ type: 'input_json_delta', partial_json: part })),
    });
  }
  return found;
}

/** The block as a plain answer shows it: its deltas joined. */
function filled(block: JsonObject, deltas: readonly JsonObject[]): JsonObject {
  const joined = (key: string): string => deltas.map((delta) => (typeof delta[key] === 'string' ? delta[key] : '')).join('');
  switch (block['type']) {
    case 'text':
      return { ...block, text: joined('text') };
    case 'thinking':
      return { ...block, thinking: joined('thinking'), signature: joined('signature') };
    case 'tool_use':
    case 'server_tool_use':
      return { ...block, input: JSON.parse(joined('partial_json')) as unknown };
    default:
      return block;
  }
}

const ERROR_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};

function errorType(status: number): string {
  return ERROR_TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
}
