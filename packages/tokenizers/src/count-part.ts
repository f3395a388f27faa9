/** Counts one side of an exchange, in the thread that it is called in. The pool calls it in its threads; a benchmark may call it directly. */
import { readAnswer } from './answers/read-answer.ts';
import { type Calibration, type CountMethod, notCounted, type PartCount } from './count.ts';
import { familyOf, type FramingName, type ModelFamily, reasonWithoutFamily } from './family.ts';
import { answerEndTokens, conversationTokens, type Framing, framingOf } from './framing.ts';
import { parseJson } from './json-value.ts';
import type { Prompt } from './prompts/prompt.ts';
import { readPrompt } from './prompts/read-prompt.ts';
import { DeadlinePassed, TextCount } from './text-count.ts';
import { tokenizerOf } from './tokenizer.ts';

interface Part {
  readonly surface: string;
  /** Of the channel: some count otherwise than whose API they speak. */
  readonly provider: string;
  readonly model: string;
  /** UTF-8, decoded from whatever it was encoded in on the wire. */
  readonly body: Uint8Array;
  readonly calibration?: Calibration | undefined;
}

/** A request as it was sent. */
export interface InputPart extends Part {
  readonly kind: 'input';
}

/** An answer as it came. */
export interface OutputPart extends Part {
  readonly kind: 'output';
  readonly contentType: string;
}

export type CountablePart = InputPart | OutputPart;

const utf8 = new TextDecoder();
/** Whoever serves these may set a mark before a bare text, or not; and Ollama's templates are its own. */
const MARKED_TEXTS: ReadonlySet<FramingName> = new Set(['llama3']);

/** `isOver`: whether the deadline has passed. Loads the vocabulary when it is the first to need it, and throws when that is not installed. */
export async function countPart(part: CountablePart, isOver: () => boolean): Promise<PartCount> {
  const family = familyOf(part.model);
  if (family === undefined) return notCounted(reasonWithoutFamily(part.model));
  if (isOver()) return notCounted('overload');
  // Only for what can be counted.
  const loadCount: LoadCount = async () => new TextCount(await tokenizerOf(family.tokenizer), isOver);
  try {
    return await (part.kind === 'input' ? countInput(part, family, loadCount) : countOutput(part, family, loadCount));
  } catch (error) {
    if (error instanceof DeadlinePassed) return notCounted('overload');
    throw error;
  }
}

type LoadCount = () => Promise<TextCount>;

async function countInput(part: InputPart, family: ModelFamily, loadCount: LoadCount): Promise<PartCount> {
  const { surface, provider, body, calibration } = part;
  const prompt = readPrompt(surface, parseJson(utf8.decode(body)));
  if (prompt.kind === 'not_countable') return notCounted(prompt.reason);
  const count = await loadCount();
  const tokens = promptTokens(prompt, framingOf(family, surface, provider), count);
  const isPlain =
    family.isFramingKnown &&
    (prompt.kind === 'texts' ? !MARKED_TEXTS.has(family.framing) : isPlainConversation(prompt) && provider !== 'ollama');
  return scaled(tokens, family.inputFactor, calibration?.inputFactor, family, methodOf(family, count, isPlain));
}

function promptTokens(prompt: Exclude<Prompt, { kind: 'not_countable' }>, framing: Framing, count: TextCount): number {
  if (prompt.kind === 'conversation') return conversationTokens(framing, prompt, count);
  return prompt.texts.reduce((sum, text) => sum + count.of(text), prompt.encodedTokens);
}

/** Whether it is messages of one text each and nothing else. */
function isPlainConversation({ messages, tools, format }: Extract<Prompt, { kind: 'conversation' }>): boolean {
  return tools.length === 0 && format === '' && messages.every(({ calls, texts }) => calls.length === 0 && texts.length === 1);
}

async function countOutput(part: OutputPart, family: ModelFamily, loadCount: LoadCount): Promise<PartCount> {
  const { surface, provider, body, contentType, calibration } = part;
  const answer = readAnswer(surface, utf8.decode(body), contentType);
  if (answer === undefined) return notCounted('not_countable_encoding');
  if (answer.unread !== undefined) return notCounted(answer.unread);
  const { texts, calls } = answer;
  if (texts.length === 0 && calls.length === 0) return notCounted('no_answer');
  const count = await loadCount();
  const written = texts.reduce((sum, text) => sum + count.of(text), 0);
  const perCall = framingOf(family, surface, provider).writtenCall;
  const called = calls.reduce((sum, call) => sum + perCall + count.of(call.name) + count.of(call.input), 0);
  const end = answerEndTokens(family, surface, provider, answer);
  // A model that thinks wraps what it shows in markers of its own.
  const isPlain = calls.length === 0 && !answer.hasHiddenPart && family.framing !== 'openai_reasoning';
  return scaled(written + called + end, family.outputFactor, calibration?.outputFactor, family, methodOf(family, count, isPlain));
}

function methodOf(family: ModelFamily, count: TextCount, isPlain: boolean): CountMethod {
  return family.isOwnTokenizer && isPlain && !count.wasCutThrough ? 'exact' : 'approximate';
}

/** An exact count is left as it is, whatever was learned. */
function scaled(tokens: number, factor: number, learned: number | undefined, family: ModelFamily, method: CountMethod): PartCount {
  const isCalibrated = learned !== undefined && method !== 'exact';
  return {
    kind: 'counted',
    tokens: Math.round(tokens * factor * (isCalibrated ? learned : 1)),
    tokenizer: family.tokenizer,
    method: isCalibrated ? 'calibrated' : method,
  };
}
