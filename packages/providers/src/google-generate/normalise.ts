/** Google's usage metadata of generated content, normalised into classes that never overlap. */
import { UNKNOWN_USAGE, type Usage } from '@tokenledger/domain';
import { Counts } from '../counts.ts';
import type { JsonObject } from '../json-object.ts';
import { CONTRADICTORY, SPLIT_UNKNOWN, TOTAL_DIFFERS, type Normalised } from '../normalised.ts';
import { type ModalityTokens, modalityTokens } from './modalities.ts';

type InputClasses = Pick<Usage, 'uncached_input' | 'cache_read' | 'input_audio' | 'cached_audio' | 'input_image'>;
type OutputClasses = Pick<Usage, 'visible_output' | 'reasoning' | 'output_audio' | 'output_image'>;

const UNKNOWN_INPUT: InputClasses = { uncached_input: null, cache_read: null, input_audio: null, cached_audio: null, input_image: null };

/** Google's rule is addition: `totalTokenCount` is prompt + candidates + tool-use prompt + thoughts. So thoughts stand beside `candidatesTokenCount`, and the tool-use prompt (what tools gave
 *  back to the model, billed as input) beside `promptTokenCount`; only cached content is inside: "When `cachedContent` is set, this is still the total effective prompt size". A count
 *  of 0 is left out, so that absent thoughts, cached content, tool-use prompt and candidates are 0, and a usage that names prompt tokens alone has no output. Details by modality give the audio
 *  and images in each total; video and documents have the price of text and stay with it. Without `cacheTokensDetails` text is taken to be cached first, then audio, then images
 *  (`split_unknown`). Requests of search grounding are not in the metadata, and unknown.
 *  Source: `UsageMetadata` at https://ai.google.dev/api/generate-content and `GenerateContentResponse` at https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference. */
export function normaliseGenerateUsage(usage: JsonObject): Normalised {
  const counts = new Counts(usage);
  const flags = new Set<string>();
  const prompt = counts.at('promptTokenCount');
  const toolUse = counts.at('toolUsePromptTokenCount');
  const cached = counts.at('cachedContentTokenCount') ?? 0;
  const candidates = counts.at('candidatesTokenCount');
  const thoughts = counts.at('thoughtsTokenCount');
  const total = counts.at('totalTokenCount');
  const details = readDetails(usage);
  if (counts.invalid || details === 'invalid') return { kind: 'invalid' };
  if (prompt === null && candidates === null && thoughts === null) return { kind: counts.found ? 'invalid' : 'none' };
  const sum = (prompt ?? 0) + (toolUse ?? 0) + (candidates ?? 0) + (thoughts ?? 0);
  if (!Number.isSafeInteger(sum)) return { kind: 'invalid' };
  if (total !== null && prompt !== null && total !== sum) flags.add(TOTAL_DIFFERS);

  const input = prompt === null ? UNKNOWN_INPUT : inputClasses({ prompt, toolUse: toolUse ?? 0, cached }, details, flags);
  const output = outputClasses(candidates ?? 0, thoughts ?? 0, details.candidates, flags);
  return { kind: 'usage', usage: { ...UNKNOWN_USAGE, ...input, ...output }, flags: [...flags] };
}

interface Details {
  readonly prompt: ModalityTokens | null;
  readonly cache: ModalityTokens | null;
  readonly toolUse: ModalityTokens | null;
  readonly candidates: ModalityTokens | null;
}

function readDetails(usage: JsonObject): Details | 'invalid' {
  const prompt = modalityTokens(usage['promptTokensDetails']);
  const cache = modalityTokens(usage['cacheTokensDetails']);
  const toolUse = modalityTokens(usage['toolUsePromptTokensDetails']);
  const candidates = modalityTokens(usage['candidatesTokensDetails']);
  if (prompt === 'invalid' || cache === 'invalid' || toolUse === 'invalid' || candidates === 'invalid') return 'invalid';
  return { prompt, cache, toolUse, candidates };
}

interface InputTotals {
  readonly prompt: number;
  readonly toolUse: number;
  readonly cached: number;
}

function inputClasses({ prompt, toolUse, cached }: InputTotals, details: Details, flags: Set<string>): InputClasses {
  const audio = details.prompt?.audio ?? 0;
  const image = details.prompt?.image ?? 0;
  const toolAudio = details.toolUse?.audio ?? 0;
  const toolImage = details.toolUse?.image ?? 0;
  const ofCache = details.cache ?? cachedTextFirst(prompt, cached, { audio, image });
  const cachedText = cached - ofCache.audio - ofCache.image;
  const text = prompt - audio - image;
  const toolText = toolUse - toolAudio - toolImage;
  if (Math.min(text - cachedText, cachedText, audio - ofCache.audio, image - ofCache.image, toolText) < 0) {
    flags.add(SPLIT_UNKNOWN).add(CONTRADICTORY);
    const read = Math.min(cached, prompt);
    return { ...UNKNOWN_INPUT, uncached_input: prompt + toolUse - read, cache_read: read };
  }
  if (cached > 0 && audio + image > 0 && details.cache === null) flags.add(SPLIT_UNKNOWN);
  const known = details.prompt !== null || details.toolUse !== null;
  return {
    uncached_input: text - cachedText + toolText,
    cache_read: cached - ofCache.audio,
    input_audio: known ? audio - ofCache.audio + toolAudio : null,
    cached_audio: known ? ofCache.audio : null,
    input_image: known ? image - ofCache.image + toolImage : null,
  };
}

function cachedTextFirst(prompt: number, cached: number, { audio, image }: ModalityTokens): ModalityTokens {
  const beyondText = Math.max(cached - (prompt - audio - image), 0);
  const cachedAudio = Math.min(beyondText, audio);
  return { audio: cachedAudio, image: Math.min(beyondText - cachedAudio, image) };
}

function outputClasses(candidates: number, thoughts: number, details: ModalityTokens | null, flags: Set<string>): OutputClasses {
  const text = candidates - (details?.audio ?? 0) - (details?.image ?? 0);
  if (text < 0) {
    flags.add(SPLIT_UNKNOWN).add(CONTRADICTORY);
    return { visible_output: candidates, reasoning: thoughts, output_audio: null, output_image: null };
  }
  return { visible_output: text, reasoning: thoughts, output_audio: details?.audio ?? null, output_image: details?.image ?? null };
}
