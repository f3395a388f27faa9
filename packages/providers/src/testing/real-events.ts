/** What each API says of an answer and its usage, as plain objects: an answer or an event of a stream each. What is made hostile begins here. */

const OPENAI_USAGE = {
  prompt_tokens: 20,
  completion_tokens: 9,
  total_tokens: 29,
  prompt_tokens_details: { cached_tokens: 4, audio_tokens: 1 },
  completion_tokens_details: { reasoning_tokens: 3, audio_tokens: 1 },
};
const RESPONSES_USAGE = {
  input_tokens: 30,
  input_tokens_details: { cached_tokens: 5, text_tokens: 20, image_tokens: 4, audio_tokens: 1 },
  output_tokens: 8,
  output_tokens_details: { reasoning_tokens: 2, image_tokens: 3 },
  total_tokens: 38,
};
const ANTHROPIC_USAGE = {
  input_tokens: 10,
  cache_read_input_tokens: 5,
  cache_creation_input_tokens: 3,
  cache_creation: { ephemeral_5m_input_tokens: 2, ephemeral_1h_input_tokens: 1 },
  output_tokens: 7,
  server_tool_use: { web_search_requests: 1 },
  service_tier: 'standard',
  iterations: [{ type: 'message', input_tokens: 4, output_tokens: 2 }],
};
const GOOGLE_USAGE = {
  promptTokenCount: 12,
  cachedContentTokenCount: 2,
  candidatesTokenCount: 5,
  thoughtsTokenCount: 4,
  toolUsePromptTokenCount: 1,
  totalTokenCount: 22,
  promptTokensDetails: [
    { modality: 'TEXT', tokenCount: 10 },
    { modality: 'AUDIO', tokenCount: 2 },
  ],
  candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 5 }],
  trafficType: 'ON_DEMAND',
};
const CONVERSE_USAGE = { inputTokens: 9, outputTokens: 4, totalTokens: 18, cacheReadInputTokens: 3, cacheWriteInputTokens: 2 };
const INVOCATION = { inputTokenCount: 9, outputTokenCount: 4, invocationLatency: 100, firstByteLatency: 50 };
const COHERE_META = {
  billed_units: { input_tokens: 6, output_tokens: 3, search_units: 1 },
  tokens: { input_tokens: 70, output_tokens: 3 },
};

export const REAL_EVENTS: readonly (readonly unknown[])[] = [
  [
    { id: 'c', object: 'chat.completion.chunk', model: 'gpt-4o', choices: [{ index: 0, delta: { content: 'a' }, finish_reason: null }] },
    { id: 'c', model: 'gpt-4o', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], x_groq: { usage: OPENAI_USAGE } },
    { id: 'c', model: 'gpt-4o', service_tier: 'default', choices: [], usage: OPENAI_USAGE },
  ],
  [
    { type: 'response.created', response: { id: 'r', model: 'gpt-5', status: 'in_progress', usage: null } },
    { type: 'response.output_text.delta', delta: 'a' },
    {
      type: 'response.completed',
      response: {
        id: 'r',
        object: 'response',
        model: 'gpt-5',
        status: 'completed',
        output: [{ type: 'web_search_call' }],
        usage: RESPONSES_USAGE,
      },
    },
  ],
  [{ id: 'r', object: 'response', background: true, status: 'queued', created_at: 1_700_000_000, model: 'gpt-5', usage: RESPONSES_USAGE }],
  [
    { type: 'image_generation.partial_image', b64_json: 'aaaa' },
    { type: 'image_generation.completed', b64_json: 'aaaa', usage: RESPONSES_USAGE },
    { type: 'transcript.text.done', text: 'a', usage: { type: 'duration', seconds: 3 } },
    { type: 'speech.audio.done', usage: RESPONSES_USAGE },
  ],
  [
    { type: 'message_start', message: { id: 'm', model: 'claude-sonnet-4-5', usage: ANTHROPIC_USAGE } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'a' } },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: ANTHROPIC_USAGE },
    { type: 'message_stop', 'amazon-bedrock-invocationMetrics': INVOCATION },
  ],
  [
    {
      id: 'm',
      type: 'message',
      model: 'claude-sonnet-4-5',
      content: [{ type: 'text', text: 'a' }],
      stop_reason: 'end_turn',
      usage: ANTHROPIC_USAGE,
    },
  ],
  [
    {
      candidates: [{ content: { parts: [{ text: 'a' }, { functionCall: { name: 'f', args: { a: 1 } } }] }, finishReason: 'STOP' }],
      usageMetadata: GOOGLE_USAGE,
      modelVersion: 'gemini-2.5-pro',
      responseId: 'g',
    },
    { usageMetadata: GOOGLE_USAGE, modelVersion: 'gemini-2.5-pro' },
  ],
  [
    { embeddings: [{ values: [0.5], statistics: { token_count: 4 } }], usageMetadata: { promptTokenCount: 4 } },
    { predictions: [{ embeddings: { statistics: { token_count: 4, truncated: false } } }], metadata: { billableCharacterCount: 11 } },
  ],
  [
    { output: { message: { role: 'assistant', content: [{ text: 'a' }] } }, stopReason: 'end_turn', usage: CONVERSE_USAGE },
    { usage: CONVERSE_USAGE, metrics: { latencyMs: 5 }, serviceTier: { type: 'flex' } },
    {
      generation: 'a',
      prompt_token_count: 9,
      generation_token_count: 4,
      stop_reason: 'stop',
      'amazon-bedrock-invocationMetrics': INVOCATION,
    },
    { inputTextTokenCount: 9, results: [{ tokenCount: 4, outputText: 'a', completionReason: 'FINISH' }] },
  ],
  [
    { type: 'content-delta', delta: { message: { content: { text: 'a' } } } },
    { type: 'message-end', id: 'k', delta: { finish_reason: 'COMPLETE', usage: COHERE_META } },
    { event_type: 'stream-end', is_finished: true, finish_reason: 'COMPLETE', response: { meta: COHERE_META } },
    { id: 'k', generations: [{ text: 'a' }], meta: COHERE_META, usage: COHERE_META },
  ],
  [
    { model: 'llama3', message: { role: 'assistant', content: 'a' }, done: false },
    { model: 'llama3', done: true, done_reason: 'stop', prompt_eval_count: 11, eval_count: 3, total_duration: 5 },
  ],
  [{ id: 'b', object: 'batch', status: 'completed', output_file_id: 'f', request_counts: { total: 1 }, created_at: 1_700_000_000 }],
  [{ id: 'b', type: 'message_batch', processing_status: 'ended', results_url: 'https://x/', created_at: '2026-01-01T00:00:00Z' }],
  [{ error: { type: 'overloaded_error', message: 'a', code: 429 } }, { type: 'error', error: { type: 'api_error' } }],
];
