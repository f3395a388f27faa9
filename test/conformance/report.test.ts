/** What a conformance run prints of itself. */
import { expect, test } from 'vitest';
import { reportOf, reportText } from './report.ts';

import type { Recording } from './support/recording.ts';
import type { Verdict } from './verdict.ts';

function verdict(id: string, provider: string, chunking: Verdict['chunking'], differences: readonly string[] = []): Verdict {
  const recording: Partial<Recording> = { id, provider, file: `${provider}.jsonl`, kind: 'chat' };
  return { recording: recording as Recording, chunking, surface: 'openai.chat', differences };
}

const RUN = {
  recordings: 3,
  excluded: { e5: 'Its request is no JSON.' },
  verdicts: [
    verdict('b2', 'xai', 'whole'),
    verdict('b2', 'xai', 'by byte'),
    verdict('b3', 'xai', 'whole', ['there is no row']),
    verdict('b3', 'xai', 'by byte', ['there is no row']),
    verdict('a1', 'groq', 'whole'),
    verdict('a1', 'groq', 'by byte', ['the body differs: x']),
  ],
  durationMs: 61_400,
};

test('a report counts exchanges, and names each recording that failed with the chunkings that show it', () => {
  expect(reportOf(RUN)).toEqual({
    recordings: 3,
    exchanges: 6,
    passed: 3,
    failed: 3,
    excluded: RUN.excluded,
    duration_s: 61,
    by_provider_and_surface: [
      { provider: 'groq', surface: 'openai.chat', recordings: 1, passed: { whole: 1, 'by byte': 0 } },
      { provider: 'xai', surface: 'openai.chat', recordings: 2, passed: { whole: 1, 'by byte': 1 } },
    ],
    failures: [
      { id: 'b3', file: 'xai.jsonl', kind: 'chat', chunkings: ['whole', 'by byte'], differences: ['there is no row'] },
      { id: 'a1', file: 'groq.jsonl', kind: 'chat', chunkings: ['by byte'], differences: ['the body differs: x'] },
    ],
  });
});

test('its text is a table by provider and surface below what failed and what was left out', () => {
  expect(reportText(reportOf(RUN)).split('\n')).toEqual([
    'FAILED xai.jsonl b3 (chat; whole, by byte): there is no row',
    'FAILED groq.jsonl a1 (chat; by byte): the body differs: x',
    'EXCLUDED e5: Its request is no JSON.',
    'provider  surface      recordings  whole   by byte',
    'groq      openai.chat  1           all     0 of 1',
    'xai       openai.chat  2           1 of 2  1 of 2',
    '3 of 6 exchanges passed (3 recordings in 2 chunkings), 3 failed, in 61 s',
  ]);
});
