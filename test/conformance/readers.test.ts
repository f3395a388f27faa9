/** Every recorded exchange with OpenAI and Anthropic must give the usage that its expectation names, however its bytes are cut. */
import { SURFACES, type ObservedAnswer, type SurfaceName } from '@tokenledger/providers';
import { inputTokens, outputTokens, type Usage } from '@tokenledger/domain';
import { describe, expect, test } from 'vitest';
import { CHUNKINGS } from './support/chunkings.ts';
import { readRecordings, type Recording } from './support/recording.ts';
import { findRecordings } from '../support/recordings.ts';

const FILES: readonly { readonly file: string; readonly host: string; readonly surface: SurfaceName; readonly count: number }[] = [
  { file: 'openai.chat.jsonl', host: 'api.openai.com', surface: 'openai.chat', count: 381 },
  { file: 'anthropic.messages.jsonl', host: 'api.anthropic.com', surface: 'anthropic.messages', count: 111 },
];

/** Larger than any recording. */
const ANSWER_BYTES_MAX = 32 * 1024 * 1024;
const folder = findRecordings();

describe.skipIf(folder === undefined).each(FILES)('recordings of $host', ({ file, host, surface, count }) => {
  const recordings = folder === undefined ? [] : readRecordings(folder, file).filter((recording) => recording.host === host);

  test('there are as many as there were when this was written', () => {
    expect(recordings.length).toBeGreaterThanOrEqual(count);
  });

  test.each(CHUNKINGS)('give the expected usage when read $name', ({ cut }) => {
    for (const recording of recordings) {
      const answer = observe(surface, recording, cut);
      expect({ id: recording.id, ...facts(answer) }).toEqual({ id: recording.id, ...expectedFacts(recording) });
    }
  });

  test('are requests that can be read', () => {
    for (const recording of recordings) {
      const facts = SURFACES[surface].readRequest(Buffer.from(recording.requestBody), { injectUsage: true });
      expect(facts).toMatchObject({ kind: 'request', model: recording.expected.model_requested });
      if (recording.status === 200) expect(facts).toMatchObject({ streamed: recording.streaming });
    }
  });
});

function observe(surface: SurfaceName, recording: Recording, cut: (body: Buffer) => Iterable<Buffer>): ObservedAnswer {
  const reader = SURFACES[surface].usageReader({
    contentType: recording.contentType,
    httpStatus: recording.status,
    answerBytesMax: ANSWER_BYTES_MAX,
  });
  for (const chunk of cut(Buffer.from(recording.responseBody))) reader.push(chunk);
  return reader.end();
}

/** Each class under the name of the expectation that holds it. A part of a total that is null was not told. */
interface Facts {
  readonly model: string;
  readonly serviceTier: string;
  readonly usageReason: string;
  readonly complete: boolean;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly cached: number | null;
  readonly cacheWrites: number | null;
  readonly cacheWrites5m: number | null;
  readonly cacheWrites1h: number | null;
  readonly reasoning: number | null;
  readonly audioIn: number | null;
  readonly audioOut: number | null;
  readonly imageIn: number | null;
  readonly webSearches: number | null;
}

function facts(answer: ObservedAnswer): Facts {
  const usage = answer.usage;
  const sum = (left: keyof Usage, right: keyof Usage): number | null => {
    if (usage === null || (usage[left] === null && usage[right] === null)) return null;
    return (usage[left] ?? 0) + (usage[right] ?? 0);
  };
  return {
    model: answer.servedModel,
    serviceTier: answer.serviceTier,
    usageReason: answer.usageReason,
    complete: answer.complete,
    inputTokens: usage === null ? null : inputTokens(usage),
    outputTokens: usage === null ? null : outputTokens(usage),
    cached: sum('cache_read', 'cached_audio'),
    cacheWrites: sum('cache_write_5m', 'cache_write_1h'),
    cacheWrites5m: usage?.cache_write_5m ?? null,
    cacheWrites1h: usage?.cache_write_1h ?? null,
    reasoning: usage?.reasoning ?? null,
    audioIn: sum('input_audio', 'cached_audio'),
    audioOut: usage?.output_audio ?? null,
    imageIn: usage?.input_image ?? null,
    webSearches: usage?.web_search_requests ?? null,
  };
}

function expectedFacts({ expected, status, kind }: Recording): Facts {
  const known = expected.usage_present;

  return {
    model: expected.model ?? '',
    serviceTier: expected.service_tier ?? '',
    usageReason: known ? '' : status >= 400 ? 'upstream_error' : 'not_reported',
    complete: true,
    inputTokens: expected.input_tokens ?? null,
    outputTokens: expected.output_tokens ?? null,
    cached: expected.cached_input_tokens ?? null,
    cacheWrites: expected.cache_write_tokens ?? null,
    cacheWrites5m: expected.cache_write_5m_tokens ?? null,
    cacheWrites1h: expected.cache_write_1h_tokens ?? null,
    reasoning: expected.reasoning_tokens ?? null,
    audioIn: expected.audio_in ?? null,
    audioOut: expected.audio_out ?? null,
    imageIn: expected.image_in ?? null,
    webSearches: known && kind === 'messages' ? (expected.web_search_requests ?? 0) : null,
  };
}
