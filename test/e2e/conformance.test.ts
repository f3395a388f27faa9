/** The conformance command as it is used: over every recording there is, and over some that it has to find fault with. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ConformanceReport } from '../conformance/report.ts';
import { type ChildExit, startChild } from '../support/child.ts';
import { CHAT_ANSWER, CHAT_REQUEST } from '../support/provider-answers.ts';
import { findRecordings } from '../support/recordings.ts';
import { repositoryRoot } from '../support/repository.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const main = join(repositoryRoot, 'test', 'conformance', 'main.ts');
/** Each answer once more byte by byte. */
const ALL_TIMEOUT_MS = 900_000;
const folder = findRecordings();

async function conformance(recordings: string): Promise<ChildExit & { readonly report: ConformanceReport }> {
  await using child = startChild(process.execPath, [main, '--recordings', recordings, '--json']);
  const exit = await child.exited;
  if (!child.stdout().startsWith('{')) throw new Error(`no report: ${child.stderr()}`);
  return { ...exit, report: JSON.parse(child.stdout()) as ConformanceReport };
}

test.skipIf(folder === undefined)('every recording passes in every chunking', { timeout: ALL_TIMEOUT_MS }, async () => {
  const { code, report } = await conformance(folder ?? '');
  expect(report.failures).toEqual([]);
  expect(report.exchanges).toBe(report.recordings * 5);
  expect(Object.keys(report.excluded).length).toBeLessThanOrEqual(5);
  expect(code).toBe(0);
});

describe('recordings that do not pass', () => {
  /** What `CHAT_ANSWER` states. */
  const expected = {
    model: 'gpt-4o-mini-2024-07-18',
    model_requested: 'gpt-4o-mini',
    service_tier: 'default',
    usage_present: true,
    input_tokens: 20,
    output_tokens: 9,
    cached_input_tokens: 4,
    reasoning_tokens: 3,
  };
  const recording = {
    provider: 'openai',
    kind: 'chat',
    host: 'api.openai.com',
    method: 'POST',
    path: '/v1/chat/completions',
    request_headers: { 'content-type': 'application/json' },
    request_body: CHAT_REQUEST,
    status: 200,
    response_headers: { 'content-type': 'application/json' },
    response_body: CHAT_ANSWER,
    body_base64: false,
    streaming: false,
    error: null,
    expected,
  };

  test('are named, with what differs, and the command fails', async () => {
    await using directory = await makeTempDir('recordings');
    const lines = [
      { ...recording, id: 'right' },
      { ...recording, id: 'one-token-more', expected: { ...expected, output_tokens: 10 } },
      { ...recording, id: 'another-kind', kind: 'telepathy' },
      { ...recording, id: 'refused', request_body: 'no JSON' },
      { ...recording, id: 'squeezed', response_headers: { ...recording.response_headers, 'content-encoding': 'compress' } },
    ];
    writeFileSync(join(directory.path, 'planted.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const { code, report } = await conformance(directory.path);
    expect(code).toBe(1);
    expect(report).toMatchObject({ recordings: 5, exchanges: 25, passed: 5, failed: 20 });
    const found = Object.fromEntries(report.failures.map(({ id, differences }) => [id, differences.join('; ')]));
    expect(Object.keys(found).sort()).toEqual(['another-kind', 'one-token-more', 'refused', 'squeezed']);
    expect(found['one-token-more']).toBe('output tokens are 9, not 10');
    expect(found['another-kind']).toBe('its kind "telepathy" is not known');
    expect(found['squeezed']).toBe('its content encoding "compress" is not known');
    expect(found['refused']).toContain('the provider was not asked; the status is 400, not 200');
    expect(report.failures.every(({ chunkings }) => chunkings.length === 5)).toBe(true);
  });
});
