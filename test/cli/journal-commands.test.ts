// What an operator does about a journal and its sources, by the commands of the program.
import { join } from 'node:path';
import { request } from 'undici';
import { expect, test } from 'vitest';
import { CHAT_ANSWER, CHAT_REQUEST } from '../support/provider-answers.ts';
import { LEDGER_KEY, runLedger } from '../support/running-ledger.ts';
import { scriptedUpstream } from '../support/scripted-upstream.ts';
import { waitFor } from '../support/wait-for.ts';

const HEADERS = { 'content-type': 'application/json', authorization: `Bearer ${LEDGER_KEY}` };

test('a journal is looked at beside its ingress and without it, drained, and its source listed', { timeout: 240_000 }, async () => {
  await using upstream = await scriptedUpstream(
    (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(CHAT_ANSWER),
  );
  await using ledger = await runLedger({ upstreamUrl: upstream.url });
  for (let sent = 0; sent < 3; sent++) {
    const answer = await request(`${ledger.url}/v1/chat/completions`, { method: 'POST', body: CHAT_REQUEST, headers: HEADERS });
    await answer.body.dump();
    expect(answer.statusCode).toBe(200);
  }
  await ledger.rows(3, 30_000);

  const beside = await ledger.cli('journal', 'status');
  expect(beside.stderr).toBe('');
  expect(beside.stdout).toMatch(/a process owns it/);
  const [, source = ''] = /(ingress\/[0-9a-f-]{36})/.exec(beside.stdout) ?? [];
  expect(source).not.toBe('');
  expect(await ledger.cli('journal', 'drain')).toMatchObject({ code: 2, stderr: expect.stringMatching(/is in use by/) });

  const announced = async (): Promise<boolean> => (await ledger.clickhouse.query('SELECT source FROM sources LIMIT 1')).length > 0;
  await waitFor(announced, { timeoutMs: 30_000, describe: 'the first word of the source in ClickHouse' });
  await ledger.process.stop('SIGKILL', 10_000);
  expect((await ledger.cli('journal', 'status')).stdout).toMatch(/nobody owns it/);
  const drained = await ledger.cli('journal', 'drain');
  expect(drained).toMatchObject({ code: 0, stdout: expect.stringMatching(/\d events were in/) });
  const listed = await ledger.cli('sources', 'list');
  expect(listed).toMatchObject({ code: 0, stdout: expect.stringContaining(source) });

  expect(await ledger.cli('sources', 'close', 'ingress/none', '--note', 'never was')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/no source ingress\/none/),
  });
  const closed = await ledger.cli('sources', 'close', source, '--note', 'its disk is gone', '--by', 'ada', '--force');
  expect(closed).toMatchObject({ stderr: '', code: 0, stdout: expect.stringMatching(/is closed/) });
  expect(await ledger.cli('journal', 'status', join('no', 'such', 'place'))).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/there is no journal/),
  });
});
