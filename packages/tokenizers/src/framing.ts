/** What models read and write around the texts of a conversation, in tokens: markers of messages, roles, tools as they are shown to the model.
 *
 *  The constants were fitted on recorded exchanges with short prompts, or follow from a model's published chat template. Where a family's are not known to the
 *  token (`isFramingKnown`), or tools and formats are in play, a count is approximate. */
import type { AnswerText } from './answers/answer-text.ts';
import type { FramingName, ModelFamily } from './family.ts';
import { jsonText, type Message, type Prompt } from './prompts/prompt.ts';
import type { TextCount } from './text-count.ts';
import { toolDeclarations } from './tool-declarations.ts';

export interface Framing {
  /** Once. */
  readonly conversation: number;
  /** For each message. */
  readonly message: number;
  /** For each message of an assistant, beyond that. */
  readonly assistantMessage: number;
  /** Whether a role stands as a word before its message. */
  readonly namesRoles: boolean;
  /** For each call that an assistant made, beyond its name and arguments. */
  readonly call: number;
  /** Once, when there are tools. */
  readonly tools: number;
  /** Tools are told within a system message where there is one: so much less. */
  readonly toolsInSystem: number;
  readonly toolsAs: 'declarations' | 'json';
  /** Whether the schema of an answer is part of the prompt. */
  readonly countsFormat: boolean;
  /** Of a call that the model writes, beyond its name and arguments. */
  readonly writtenCall: number;
}

/** What most have in common. */
const USUAL = {
  assistantMessage: 0,
  namesRoles: true,
  call: 5,
  tools: 40,
  toolsInSystem: 0,
  toolsAs: 'json',
  countsFormat: true,
  writtenCall: 7,
} as const;
// <|im_start|>role<|im_sep|>content<|im_end|>, and the start of the answer: https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken
const OPENAI: Framing = { ...USUAL, conversation: 3, message: 3, tools: 9, toolsInSystem: 4, toolsAs: 'declarations' };
const REASONING: Framing = { ...OPENAI, conversation: 2, assistantMessage: 2, toolsInSystem: 0 };
const CLAUDE: Framing = { ...USUAL, conversation: 5, message: 1, namesRoles: false, call: 40, tools: 282, writtenCall: 40 };
const GEMINI: Framing = {
  ...USUAL,
  conversation: 0,
  message: 1,
  namesRoles: false,
  tools: 10,
  toolsAs: 'declarations',
  countsFormat: false,
};

const FRAMINGS: Readonly<Record<FramingName, Framing>> = {
  openai: OPENAI,
  openai_reasoning: REASONING,
  claude: CLAUDE,
  claude_4_5: { ...CLAUDE, tools: 425 },
  // <|begin_of_text|>, <|start_header_id|>role<|end_header_id|>\n\ncontent<|eot_id|>, and the header of the answer.
  llama3: { ...USUAL, conversation: 5, message: 4 },
  gemini: GEMINI,
  // <bos>, <start_of_turn>role\ncontent<end_of_turn>\n, and the start of the answer.
  gemma: { ...USUAL, conversation: 4, message: 4 },
  // <|im_start|>role\ncontent<|im_end|>\n, and the start of the answer.
  chatml: { ...USUAL, conversation: 3, message: 4, call: 20, tools: 150 },
  // A marker for the conversation, one for each message and one for the answer.
  deepseek: { ...USUAL, conversation: 2, message: 1, assistantMessage: 1, namesRoles: false },
  mistral: { ...USUAL, conversation: 1, message: 2, namesRoles: false, tools: 4 },
  none: { ...USUAL, conversation: 0, message: 0, namesRoles: false, tools: 0 },
};

/** gpt-5 has a longer introduction to tools in chat completions at OpenAI itself. */
const CHAT_OF_GPT_5: Framing = { ...REASONING, tools: 91 };
/** Vertex AI counts contents without a marker. */
const GEMINI_ON_VERTEX: Framing = { ...GEMINI, message: 0 };

export function framingOf({ name, framing }: ModelFamily, surface: string, provider: string): Framing {
  if (name === 'gpt-5' && isChatAtOpenai(surface, provider)) return CHAT_OF_GPT_5;
  if (framing === 'gemini' && surface === 'vertex.generate') return GEMINI_ON_VERTEX;
  return FRAMINGS[framing];
}

/** Tokens of a conversation. Throws what `count` throws. */
export function conversationTokens(framing: Framing, prompt: Extract<Prompt, { kind: 'conversation' }>, count: TextCount): number {
  let tokens = framing.conversation;
  for (const message of prompt.messages) tokens += messageTokens(framing, message, count);
  if (prompt.tools.length > 0) {
    tokens += framing.tools + count.of(framing.toolsAs === 'json' ? jsonText(prompt.tools) : toolDeclarations(prompt.tools));
    if (prompt.messages.some(({ role }) => role === 'system' || role === 'developer')) tokens -= framing.toolsInSystem;
  }
  if (prompt.format !== '' && framing.countsFormat) tokens += count.of(prompt.format);
  return tokens;
}

function messageTokens(framing: Framing, message: Message, count: TextCount): number {
  let tokens = framing.message + (message.role === 'assistant' ? framing.assistantMessage : 0);
  if (framing.namesRoles) tokens += count.of(message.role);
  if (message.name !== '') tokens += 1 + count.of(message.name);
  for (const text of message.texts) tokens += count.of(text);
  for (const call of message.calls) tokens += framing.call + count.of(call.name) + count.of(call.input);
  return tokens;
}

/** What a model writes behind its text and is counted: the mark of the end, where that is; what wraps the answer of a model that reasons. */
export function answerEndTokens({ name, framing }: ModelFamily, surface: string, provider: string, { isRefused }: AnswerText): number {
  const isConversation = surface !== 'openai.completions';
  switch (framing) {
    case 'openai':
      if (surface === 'openai.responses' || isRefused) return 1;
      return provider === 'azure' && name === 'gpt-4o' ? 1 : 0;
    case 'openai_reasoning':
      if (!isChatAtOpenai(surface, provider)) return 4;
      return provider === 'azure' ? 10 : 9;
    case 'claude':
    case 'claude_4_5':
      return 3;
    case 'llama3':
    case 'gemma':
      return isConversation ? 1 : 0;
    case 'gemini':
    case 'chatml':
    case 'deepseek':
    case 'mistral':
    case 'none':
      return 0;
  }
}

function isChatAtOpenai(surface: string, provider: string): boolean {
  return surface === 'openai.chat' && (provider === 'openai' || provider === 'azure');
}
