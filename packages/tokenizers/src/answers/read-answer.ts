/** Reads what a model wrote from the answer of a surface. */
import type { JsonObject } from '../json-value.ts';
import { answerEvents } from './answer-events.ts';
import { AnswerText } from './answer-text.ts';
import { readMessageEvent } from './anthropic-answers.ts';
import { readChatEvent, readCompletionEvent, readResponseEvent } from './openai-answers.ts';
import { readCandidatesEvent, readCohereEvent, readConverseEvent, readOllamaEvent } from './other-answers.ts';

/** Takes one event of an answer into what is known of it. */
type EventReader = (event: JsonObject, answer: AnswerText) => void;

const READERS: Readonly<Record<string, EventReader>> = {
  'openai.chat': readChatEvent,
  'openai.responses': readResponseEvent,
  'openai.completions': readCompletionEvent,
  'anthropic.messages': readMessageEvent,
  'vertex.messages': readMessageEvent,
  'bedrock.invoke': readMessageEvent,
  'google.generate': readCandidatesEvent,
  'vertex.generate': readCandidatesEvent,
  'bedrock.converse': readConverseEvent,
  'cohere.chat': readCohereEvent,
  'cohere.generate': readCohereEvent,
  'ollama.chat': readOllamaEvent,
  'ollama.generate': readOllamaEvent,
};

/** Surfaces whose answers are numbers: their output has no tokens. */
const WITHOUT_OUTPUT = new Set(['openai.embeddings', 'ollama.embed']);

export function hasTextOutput(surface: string): boolean {
  return !WITHOUT_OUTPUT.has(surface);
}

/** `text`: the decoded body. Undefined when it cannot be read. */
export function readAnswer(surface: string, text: string, contentType: string): AnswerText | undefined {
  const read = Object.hasOwn(READERS, surface) ? READERS[surface] : undefined;
  const events = answerEvents(text, contentType);
  if (read === undefined || events === undefined) return undefined;
  const answer = new AnswerText();
  for (const event of events) read(event, answer);
  return answer;
}
