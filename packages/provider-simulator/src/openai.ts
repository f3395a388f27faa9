/** OpenAI's chat completions as the real API answers them. */
import type { AnswerContext, ErrorContext, Provider } from './provider.ts';
import { hashOf, isObject, objects, requiredMembers, type ChatRequest, type JsonObject } from './request.ts';

const REASONING_MODEL = /^(?:o\d|gpt-5)/;

export const openai: Provider = {
  surface: 'openai.chat',
  path: '/v1/chat/completions',
  idPrefix: 'chatcmpl-',
  requestIdHeader: 'x-request-id',
  headers: {
    'openai-version': '2020-10-01',
    'openai-organization': 'org-simulated',
    'openai-processing-ms': '12',
    'x-ratelimit-limit-requests': '10000',
    'x-ratelimit-remaining-requests': '9999',
    'x-ratelimit-limit-tokens': '2000000',
    'x-ratelimit-remaining-tokens': '1999000',
  },

  readRequest(body: JsonObject, bytes: Buffer, model: string): ChatRequest | string {
    if (!Array.isArray(body['messages'])) return "Missing required parameter: 'messages'.";
    const options = body['stream_options'];
    if (isObject(options) && body['stream'] !== true) return "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
    const maxTokens = body['max_completion_tokens'] ?? body['max_tokens'];
    const last = objects(body['messages']).at(-1);
    const tool = objects(body['tools'])
      .map((entry) => entry['function'])
      .find(isObject);
    return {
      model,
      streamed: body['stream'] === true,
      bytes: bytes.length,
      hash: hashOf(bytes),
      maxTokens: typeof maxTokens === 'number' ? maxTokens : undefined,
      tool:
        tool === undefined || last?.['role'] === 'tool' || body['tool_choice'] === 'none'
          ? undefined
          : { name: String(tool['name']), required: requiredMembers(tool['parameters']) },
      reasons: REASONING_MODEL.test(model),
      audio: model.includes('audio'),
      webSearch: false,
      cacheWrites: false,
      includeUsage: isObject(options) && options['include_usage'] === true,
      defaultTier: 'default',
    };
  },

  usage({ plan: { classes } }: AnswerContext): unknown {
    const prompt = classes.uncached_input + classes.cache_read + classes.cache_write_5m + classes.input_audio;
    const completion = classes.visible_output + classes.reasoning + classes.output_audio;
    return {
      prompt_tokens: prompt,
      completion_tokens: completion,
      total_tokens: prompt + completion,
      prompt_tokens_details: {
        cached_tokens: classes.cache_read,
        audio_tokens: classes.input_audio,
        ...(classes.cache_write_5m > 0 ? { cache_write_tokens: classes.cache_write_5m } : {}),
      },
      completion_tokens_details: {
        reasoning_tokens: classes.reasoning,
        audio_tokens: classes.output_audio,
        accepted_prediction_tokens: 0,
        rejected_prediction_tokens: 0,
      },
    };
  },

  reports({ request, script }: AnswerContext): boolean {
    return script.no_usage !== true && (!request.streamed || request.includeUsage);
  },

  plain(context: AnswerContext, usage: unknown): string {
    const { plan, id, script } = context;
    const message = {
      role: 'assistant',
      content: plan.tool === undefined ? plan.pieces.join('') : null,
      ...(plan.tool === undefined ? {} : { tool_calls: [{ id: callId(id), type: 'function', function: callOf(context) }] }),
      refusal: null,
      annotations: [],
    };
    const answer = {
      id,
      object: 'chat.completion',
      created: context.createdS,
      model: plan.servedModel,
      choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason(context) }],
      ...(script.no_usage === true ? {} : { usage }),
      service_tier: plan.serviceTier,
      system_fingerprint: 'fp_simulated',
    };
    return `${JSON.stringify(answer, null, 2)}\n`;
  },

  events(context: AnswerContext, usage: unknown): readonly string[] {
    const { plan, id } = context;
    const reports = openai.reports(context);
    const frame = (choices: readonly unknown[], stated: unknown): string =>
      event({
        id,
        object: 'chat.completion.chunk',
        created: context.createdS,
        model: plan.servedModel,
        service_tier: plan.serviceTier,
        system_fingerprint: 'fp_simulated',
        choices,
        ...(reports ? { usage: stated } : {}),
        obfuscation: 'x'.repeat(8),
      });
    const delta = (content: unknown, reason: string | null = null): string =>
      frame([{ index: 0, delta: content, logprobs: null, finish_reason: reason }], null);
    return [
      delta({ role: 'assistant', content: plan.tool === undefined ? '' : null, refusal: null }),
      ...(plan.tool === undefined ? plan.pieces.map((content) => delta({ content })) : toolDeltas(context).map((calls) => delta(calls))),
      delta({}, finishReason(context)),
      ...(reports ? [frame([], usage)] : []),
      'data: [DONE]\n\n',
    ];
  },

  error({ type, code, message, status }: ErrorContext): string {
    return `${JSON.stringify({ error: { message, type: type ?? errorType(status), param: null, code: code ?? null } }, null, 2)}\n`;
  },

  errorEvent(context: ErrorContext): string {
    return event(JSON.parse(openai.error(context)));
  },
};

function event(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

function finishReason({ plan }: AnswerContext): string {
  if (plan.tool !== undefined) return 'tool_calls';
  return plan.truncated ? 'length' : 'stop';
}

function callId(id: string): string {
  return `call_${id.slice(-12)}`;
}

function callOf({ plan }: AnswerContext): { readonly name: string; readonly arguments: string } {
  return { name: plan.tool?.name ?? '', arguments: plan.tool?.argumentsText ?? '' };
}

/** The name first, then the arguments in two parts, as models write them. */
function toolDeltas(context: AnswerContext): readonly unknown[] {
  const { name, arguments: text } = callOf(context);
  const half = Math.ceil(text.length / 2);
  return [
    { tool_calls: [{ index: 0, id: callId(context.id), type: 'function', function: { name, arguments: '' } }] },
    ...[text.slice(0, half), text.slice(half)].map((part) => ({ tool_calls: [{ index: 0, function: { arguments: part } }] })),
  ];
}

function errorType(status: number): string {
  if (status === 429) return 'requests';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}
