/** Answers as the providers write them, for tests that script an upstream themselves. */

const CHAT_USAGE = {
  prompt_tokens: 20,
  completion_tokens: 9,
  total_tokens: 29,
  prompt_tokens_details: { cached_tokens: 4, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 3, audio_tokens: 0 },
} as const;

/** What `CHAT_USAGE` is in disjoint classes. */
export const CHAT_CLASSES = { uncached_input: 16, cache_read: 4, visible_output: 6, reasoning: 3 } as const;

export const CHAT_ANSWER = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: 'gpt-4o-mini-2024-07-18',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello, "usage":{"prompt_tokens":1} is text.' }, finish_reason: 'stop' }],
  usage: CHAT_USAGE,
  service_tier: 'default',
});

export const CHAT_REQUEST = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] });
export const CHAT_STREAM_REQUEST = JSON.stringify({ model: 'gpt-4o-mini', stream: true, messages: [{ role: 'user', content: 'Hi' }] });

const CHUNK = { id: 'chatcmpl-2', object: 'chat.completion.chunk', model: 'gpt-4o-mini-2024-07-18', service_tier: 'default' };
const frame = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const choice = (delta: unknown, finish: string | null): unknown[] => [{ index: 0, delta, finish_reason: finish }];

/** The frames of a stream, as they are when the request asks for usage and when it does not. */
export function chatFrames(withUsage: boolean): readonly string[] {
  const asked = withUsage ? { usage: null } : {};
  const frames = [
    frame({ ...CHUNK, choices: choice({ role: 'assistant', content: '' }, null), ...asked }),
    frame({ ...CHUNK, choices: choice({ content: 'Hello' }, null), ...asked }),
    frame({ ...CHUNK, choices: choice({}, 'stop'), ...asked }),
  ];
  if (withUsage) frames.push(frame({ ...CHUNK, choices: [], usage: CHAT_USAGE }));
  return [...frames, 'data: [DONE]\n\n'];
}

export const MESSAGES_REQUEST = JSON.stringify({
  model: 'claude-sonnet-4-5',
  max_tokens: 100,
  messages: [{ role: 'user', content: 'Hi' }],
});

export const MESSAGES_ANSWER = JSON.stringify({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5-20250929',
  content: [{ type: 'text', text: 'Hello' }],
  stop_reason: 'end_turn',
  usage: { input_tokens: 10, cache_read_input_tokens: 5, cache_creation_input_tokens: 0, output_tokens: 7, service_tier: 'standard' },
});
