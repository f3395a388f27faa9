import { describe, expect, test } from 'vitest';
import { JSON_BODY, namedEvents, read, SSE } from '../testing/answers.ts';
import { openaiTranscription } from './index.ts';

const TOKENS = {
  type: 'tokens',
  input_tokens: 14,
  input_token_details: { text_tokens: 4, audio_tokens: 10 },
  output_tokens: 45,
  total_tokens: 59,
};

describe('a plain answer', () => {
  const usageOf = (usage: unknown, provider = 'openai'): object =>
    read(openaiTranscription, { ...JSON_BODY, provider }, JSON.stringify({ text: 'hi', usage }));

  test('by tokens takes sound out of the input', () => {
    expect(usageOf(TOKENS)).toMatchObject({ usage: { uncached_input: 4, input_audio: 10, visible_output: 45 }, usageFlags: [] });
  });

  test('without the split says so', () => {
    const { input_token_details: _details, ...totals } = TOKENS;
    expect(usageOf(totals)).toMatchObject({ usage: { uncached_input: 14, input_audio: null }, usageFlags: ['split_unknown'] });
    expect(usageOf({ ...TOKENS, input_token_details: { audio_tokens: 15 } })).toMatchObject({
      usage: { uncached_input: 14, input_audio: null },
      usageFlags: ['split_unknown', 'contradictory'],
    });
  });

  test.each([
    [7, 7],
    [7.4, 7],
    [7.5, 8],
    [0, 0],
  ])('by duration gives whole seconds and no tokens: %s', (seconds, expected) => {
    expect(usageOf({ type: 'duration', seconds })).toMatchObject({
      usage: { audio_seconds: expected, uncached_input: null, visible_output: null },
      usageReason: '',
      rawUsage: JSON.stringify({ type: 'duration', seconds }),
    });
  });

  test.each([
    { type: 'duration', seconds: -1 },
    { type: 'duration', seconds: '7' },
    { type: 'duration', seconds: 1e300 },
    { ...TOKENS, input_tokens: 1.5 },
  ])('with something that is no count has none: %o', (usage) => {
    expect(usageOf(usage)).toMatchObject({ usage: null, usageReason: 'invalid_usage', rawUsage: JSON.stringify(usage) });
  });

  test('that states nothing has none', () => {
    expect(usageOf(undefined)).toMatchObject({ usage: null, usageReason: 'not_reported', complete: true });
  });

  test('of Mistral has its sound on top of the prompt, and its seconds', () => {
    const usage = { prompt_audio_seconds: 203, prompt_tokens: 4, completion_tokens: 635, total_tokens: 3264 };
    expect(usageOf(usage, 'mistral')).toMatchObject({
      usage: { uncached_input: 4, input_audio: 2625, visible_output: 635, audio_seconds: 203 },
    });
    expect(usageOf({ prompt_audio_seconds: 2 }, 'mistral')).toMatchObject({ usage: { audio_seconds: 2, uncached_input: null } });
  });
});

describe('a stream', () => {
  test('gives the usage of its last event', () => {
    const text = namedEvents({ type: 'transcript.text.delta', delta: 'hi' }, { type: 'transcript.text.done', text: 'hi', usage: TOKENS });
    expect(read(openaiTranscription, SSE, text)).toMatchObject({ usage: { input_audio: 10, visible_output: 45 }, complete: true });
    expect(read(openaiTranscription, SSE, text.slice(0, -70))).toMatchObject({ usage: null, usageReason: 'cut_off' });
  });

  test('of Mistral too', () => {
    const usage = { prompt_audio_seconds: 3, prompt_tokens: 8, completion_tokens: 4, total_tokens: 12 };
    const text = namedEvents({ type: 'transcription.text.delta', text: 'hi' }, { type: 'transcription.done', text: 'hi', usage });
    const reader = openaiTranscription.usageReader({ ...SSE, httpStatus: 200, answerBytesMax: 1000, provider: 'mistral' });
    reader.push(Buffer.from(text));
    expect(reader.sawEnd).toBe(true);
    expect(reader.soFar().contentBytes).toBeGreaterThan(0);
    expect(reader.end()).toMatchObject({ usage: { uncached_input: 8, visible_output: 4, audio_seconds: 3 }, complete: true });
  });
});

test.each(['text/plain; charset=utf-8', 'application/x-subrip', 'text/vtt'])(
  'an answer of %s states none, and its bytes are text',
  (contentType) => {
    const reader = openaiTranscription.usageReader({ contentType, httpStatus: 200, answerBytesMax: 1000 });
    reader.push(Buffer.from('{"usage":{"type":"duration","seconds":7}}'));
    expect(reader.soFar().contentBytes).toBe(41);
    expect(reader.end()).toMatchObject({ usage: null, usageReason: 'not_reported' });
  },
);

describe('a request', () => {
  const form = (fields: Readonly<Record<string, string>>): string =>
    `${Object.entries(fields)
      .map(([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
      .join(
        '',
      )}--b\r\nContent-Disposition: form-data; name="file"; filename="a.mp3"\r\nContent-Type: audio/mpeg\r\n\r\n\xff\xfb\r\n--b--\r\n`;
  const facts = (body: string, contentType = 'multipart/form-data; boundary=b', path = {}): object =>
    openaiTranscription.readRequest(Buffer.from(body, 'latin1'), { injectUsage: true, contentType, path });

  test('is read from its form', () => {
    expect(facts(form({ model: 'gpt-4o-transcribe', stream: 'true' }))).toMatchObject({
      model: 'gpt-4o-transcribe',
      streamed: true,
      holdsMedia: true,
    });
    expect(facts(form({ model: 'whisper-1' }))).toMatchObject({ model: 'whisper-1', streamed: false });
  });

  test('has the model of its path where the form names none', () => {
    expect(facts(form({}), undefined, { deployment: 'ours' })).toMatchObject({ model: 'ours' });
  });

  test('that cannot be read is left to the provider', () => {
    expect(facts('no form')).toMatchObject({ kind: 'request', model: '', streamed: false });
    expect(facts('no form', 'multipart/form-data')).toMatchObject({ kind: 'request', model: '' });
  });

  test('with too long a name is refused', () => {
    expect(facts(form({ model: 'm'.repeat(257) }))).toMatchObject({ kind: 'rejected', code: 'REQUEST_INVALID' });
  });
});
