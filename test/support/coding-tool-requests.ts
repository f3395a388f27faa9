/** Requests as coding tools send them: their headers, and bodies of the shape and size that they have. What the tools say in words is left out.
 *
 *  - Claude Code: https://code.claude.com/docs/en/llm-gateway (which paths and headers a gateway has to pass on); `anthropic-beta` and `metadata` as captured in
 *    https://github.com/ex-machina-co/opencode-anthropic-auth/issues/174 and https://github.com/router-for-me/CLIProxyAPI/pull/2540.
 *  - Codex CLI: https://github.com/openai/codex, codex-rs/codex-api/src/common.rs (`ResponsesApiRequest`, `CompactionInput`) and src/requests/headers.rs.
 *  - Cursor with a key of one's own: https://github.com/BerriAI/litellm/pull/34029 (its Ask mode mixes shapes of tools, its Agent mode sends the body of a response
 *    to chat completions).
 *  - aider: https://github.com/Aider-AI/aider, aider/models.py and aider/resources/model-settings.yml, by way of litellm and OpenAI's Python package. */

export interface ToolRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const SESSION = '0b0f4a36-6f0d-4c6e-9a0e-2f7f6f1c5d10';
/** As many as an agent declares, with schemas as long. */
const TOOLS = 24;
const DESCRIPTION = 'What the tool does, when to use it and when not, with examples. '.repeat(40);
const FILE_TEXT = 'export const answer = 42; // "usage":{"input_tokens":1}\n'.repeat(1500);
const SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  properties: { file_path: { type: 'string', description: 'An absolute path' }, limit: { type: 'number' } },
  required: ['file_path'],
  additionalProperties: false,
};

const named = <T>(make: (name: string) => T): readonly T[] => Array.from({ length: TOOLS }, (_, index) => make(`Tool${index}`));

const ANTHROPIC_BETA = [
  'claude-code-20250219',
  'interleaved-thinking-2025-05-14',
  'context-management-2025-06-27',
  'prompt-caching-scope-2026-01-05',
  'effort-2025-11-24',
  'extended-cache-ttl-2025-04-11',
].join(',');

const CLAUDE_CODE_HEADERS = {
  accept: 'application/json',
  'content-type': 'application/json',
  'user-agent': 'claude-cli/2.1.92 (external, cli)',
  'x-claude-code-session-id': SESSION,
  'x-app': 'cli',
  'x-stainless-arch': 'x64',
  'x-stainless-lang': 'js',
  'x-stainless-os': 'Linux',
  'x-stainless-package-version': '0.80.0',
  'x-stainless-retry-count': '0',
  'x-stainless-runtime': 'node',
  'x-stainless-runtime-version': 'v24.14.0',
  'x-stainless-timeout': '600',
  'anthropic-dangerous-direct-browser-access': 'true',
  'anthropic-version': '2023-06-01',
  'anthropic-beta': ANTHROPIC_BETA,
  'accept-language': '*',
  'sec-fetch-mode': 'cors',
  'accept-encoding': 'br, gzip, deflate',
};

const CACHED = { cache_control: { type: 'ephemeral', ttl: '1h' } };
const CLAUDE_CODE_TURN = {
  max_tokens: 32_000,
  thinking: { type: 'adaptive' },
  output_config: { effort: 'high' },
  metadata: { user_id: JSON.stringify({ device_id: 'f'.repeat(64), account_uuid: '', session_id: SESSION }) },
  system: [
    { type: 'text', text: 'x-anthropic-billing-header: cc_version=2.1.92; cc_entrypoint=cli;' },
    { type: 'text', text: DESCRIPTION.repeat(10), ...CACHED },
  ],
  tools: named((name) => ({ name, description: DESCRIPTION, input_schema: SCHEMA })),
  messages: [
    { role: 'user', content: [{ type: 'text', text: 'Read the file and fix it.' }] },
    {
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: 'I read it first.', signature: 'c2lnbmF0dXJl'.repeat(40) },
        { type: 'tool_use', id: 'toolu_1', name: 'Tool1', input: { file_path: '/srv/app/main.ts' } },
      ],
    },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: FILE_TEXT, ...CACHED }] },
  ],
};

/** One turn of an agent: streamed, with its tools and all that was said. */
export function claudeCodeTurn(model: string): ToolRequest {
  const body = JSON.stringify({ model, ...CLAUDE_CODE_TURN, stream: true });
  return { path: '/v1/messages?beta=true', headers: { ...CLAUDE_CODE_HEADERS, 'x-stainless-helper-method': 'stream' }, body };
}

export function claudeCodeCount(model: string): ToolRequest {
  const { tools, messages } = CLAUDE_CODE_TURN;
  const headers = { ...CLAUDE_CODE_HEADERS, 'anthropic-beta': `${ANTHROPIC_BETA},token-counting-2024-11-01` };
  return { path: '/v1/messages/count_tokens?beta=true', headers, body: JSON.stringify({ model, tools, messages }) };
}

/** The same by way of Vertex AI, whose address stands in `ANTHROPIC_VERTEX_BASE_URL` with its version. */
export function claudeCodeOnVertex(model: string): ToolRequest {
  const body = JSON.stringify({ anthropic_version: 'vertex-2023-10-16', ...CLAUDE_CODE_TURN, stream: true });
  const path = `/v1/projects/rivers/locations/us-east5/publishers/anthropic/models/${model}:streamRawPredict`;
  return { path, headers: CLAUDE_CODE_HEADERS, body };
}

export function claudeCodeCountOnVertex(model: string): ToolRequest {
  const { tools, messages } = CLAUDE_CODE_TURN;
  const path = '/v1/projects/rivers/locations/us-east5/publishers/anthropic/models/count-tokens:rawPredict';
  return { path, headers: CLAUDE_CODE_HEADERS, body: JSON.stringify({ anthropic_version: 'vertex-2023-10-16', model, tools, messages }) };
}

const CODEX_HEADERS = {
  accept: 'text/event-stream',
  'content-type': 'application/json',
  'user-agent': 'codex_cli_rs/0.98.0 (Ubuntu 24.4.0; x86_64) xterm-256color',
  originator: 'codex_cli_rs',
  version: '0.98.0',
  session_id: SESSION,
  'x-codex-turn-metadata': JSON.stringify({ turn_id: SESSION, sandbox: 'seccomp' }),
  'x-codex-beta-features': 'unified_exec',
};

const FUNCTION_TOOLS = named((name) => ({ type: 'function', name, description: DESCRIPTION, strict: false, parameters: SCHEMA }));
const PATCH_TOOL = {
  type: 'custom',
  name: 'apply_patch',
  description: DESCRIPTION,
  format: { type: 'grammar', syntax: 'lark', definition: 'start: begin_patch hunk+ end_patch' },
};

const CODEX_INPUT = [
  { type: 'message', role: 'developer', content: [{ type: 'input_text', text: '<permissions instructions>' }] },
  { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Read the file and fix it.' }] },
  { type: 'reasoning', summary: [], content: null, encrypted_content: 'Z0FBQUFB'.repeat(200) },
  { type: 'function_call', name: 'Tool1', arguments: '{"file_path":"/srv/app/main.ts"}', call_id: 'call_1' },
  { type: 'function_call_output', call_id: 'call_1', output: FILE_TEXT },
];

export function codexTurn(model: string): ToolRequest {
  const body = {
    model,
    instructions: DESCRIPTION.repeat(8),
    input: CODEX_INPUT,
    tools: [...FUNCTION_TOOLS, PATCH_TOOL, { type: 'web_search', external_web_access: true }],
    tool_choice: 'auto',
    parallel_tool_calls: true,
    reasoning: { effort: 'high', summary: 'auto' },
    store: false,
    stream: true,
    include: ['reasoning.encrypted_content'],
    prompt_cache_key: SESSION,
    text: { verbosity: 'low' },
  };
  return { path: '/v1/responses', headers: CODEX_HEADERS, body: JSON.stringify(body) };
}

export function codexCompaction(model: string): ToolRequest {
  const body = { model, input: CODEX_INPUT, instructions: DESCRIPTION, tools: FUNCTION_TOOLS, parallel_tool_calls: true };
  return { path: '/v1/responses/compact', headers: { ...CODEX_HEADERS, accept: '*/*' }, body: JSON.stringify(body) };
}

const CURSOR_HEADERS = { accept: '*/*', 'content-type': 'application/json', 'accept-encoding': 'gzip' };
const NESTED_TOOLS = named((name) => ({ type: 'function', function: { name, description: DESCRIPTION, parameters: SCHEMA } }));

export function cursorAsk(model: string): ToolRequest {
  const body = {
    model,
    temperature: 1,
    user: 'a1b2c3',
    messages: [
      { role: 'system', content: DESCRIPTION.repeat(8) },
      { role: 'user', content: [{ type: 'text', text: FILE_TEXT }] },
    ],
    tools: [...NESTED_TOOLS, PATCH_TOOL],
    tool_choice: 'auto',
    stream: true,
    stream_options: { include_usage: true },
  };
  return { path: '/v1/chat/completions', headers: CURSOR_HEADERS, body: JSON.stringify(body) };
}

/** The body of a response, sent to chat completions, which nobody asks for usage there. */
export function cursorAgent(model: string): ToolRequest {
  const body = {
    model,
    user: 'a1b2c3',
    input: [
      { role: 'system', content: DESCRIPTION.repeat(8) },
      { role: 'user', content: [{ type: 'input_text', text: FILE_TEXT }] },
    ],
    tools: [...FUNCTION_TOOLS, PATCH_TOOL],
    reasoning: { effort: 'medium', summary: 'auto' },
    store: false,
    stream: true,
    include: ['reasoning.encrypted_content'],
  };
  return { path: '/v1/chat/completions', headers: CURSOR_HEADERS, body: JSON.stringify(body) };
}

/** It asks for no usage, and counts tokens itself. */
export function aiderEdit(model: string): ToolRequest {
  const headers = {
    accept: 'application/json',
    'content-type': 'application/json',
    'user-agent': 'OpenAI/Python 2.24.0',
    'x-stainless-lang': 'python',
    'x-stainless-package-version': '2.24.0',
    'x-stainless-os': 'Linux',
    'x-stainless-arch': 'x64',
    'x-stainless-runtime': 'CPython',
    'x-stainless-runtime-version': '3.12.3',
    'x-stainless-async': 'false',
    'x-stainless-raw-response': 'true',
    'x-stainless-retry-count': '0',
    'x-stainless-read-timeout': '600',
    'accept-encoding': 'gzip, deflate, zstd',
    'http-referer': 'https://aider.chat',
    'x-title': 'Aider',
  };
  const messages = [
    { role: 'system', content: DESCRIPTION.repeat(4) },
    { role: 'user', content: `Here are the files.\n\n${FILE_TEXT}` },
    { role: 'assistant', content: 'Ok, any changes I propose will be to those files.' },
    { role: 'user', content: 'Fix it.' },
  ];
  return { path: '/v1/chat/completions', headers, body: JSON.stringify({ model, messages, stream: true, temperature: 0 }) };
}

/** With Claude it marks what is to be cached, and asks for it by a beta of its settings. */
export function aiderEditOnAnthropic(model: string): ToolRequest {
  const headers = {
    accept: 'application/json',
    'content-type': 'application/json',
    'user-agent': 'litellm/1.81.0',
    'anthropic-version': '2023-06-01',
    'anthropic-beta': 'prompt-caching-2024-07-31,pdfs-2024-09-25,output-128k-2025-02-19',
    'accept-encoding': 'gzip, deflate',
  };
  const cached = { cache_control: { type: 'ephemeral' } };
  const body = {
    model,
    max_tokens: 64_000,
    stream: true,
    system: [{ type: 'text', text: DESCRIPTION.repeat(4), ...cached }],
    messages: [{ role: 'user', content: [{ type: 'text', text: FILE_TEXT, ...cached }] }],
  };
  return { path: '/v1/messages', headers, body: JSON.stringify(body) };
}
