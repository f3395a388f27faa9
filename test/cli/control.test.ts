// The commands that go to the registry, as people use them beside a running `tokenledger up`; and what a start refuses.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCli, startCli } from '../support/cli.ts';
import { type RunningLedger, runLedger } from '../support/running-ledger.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { scriptedUpstream } from '../support/scripted-upstream.ts';

const DOCUMENTS = `tenants: [{ id: umbrella, name: Umbrella }]
projects: [{ id: lab, tenant: umbrella, name: Lab }]
owners:
  - { id: alice, tenant: umbrella, name: Alice, team: bio, email: alice@umbrella.example }
  - { id: bill, tenant: umbrella, name: Bill }
---
kind: channel
id: spare
provider: openai
surfaces: [openai.chat]
base_url: https://spare.example
credential: env:E2E_CREDENTIAL
priority: 900
`;
const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;

describe('beside a running ledger', () => {
  const resources = new AsyncDisposableStack();
  let folder: TempDir;
  let ledger: RunningLedger;
  beforeAll(async () => {
    folder = resources.use(await makeTempDir('cli-control'));
    const upstream = resources.use(await scriptedUpstream((response) => void response.end()));
    ledger = resources.use(await runLedger({ upstreamUrl: upstream.url }));
    writeFileSync(join(folder.path, 'documents.yaml'), DOCUMENTS);
  });
  afterAll(() => resources.disposeAsync());

  const file = (name: string, text: string): string => {
    writeFileSync(join(folder.path, name), text);
    return join(folder.path, name);
  };
  const ok = async (...args: readonly string[]): Promise<string> => {
    const result = await ledger.cli(...args);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    return result.stdout;
  };

  test('a dry run shows what an apply then does, and a second apply finds nothing to do', async () => {
    const path = file('documents.yaml', DOCUMENTS);
    const dry = await ok('apply', '-f', path, '--dry-run');
    expect(dry).toContain('+ tenant/umbrella  create\n    + name: Umbrella\n');
    expect(dry).toMatch(/\n5 created \(dry run: nothing was changed\)\n$/);
    expect((await ledger.cli('get', 'tenant', 'umbrella')).code).toBe(1);
    const done = await ok('apply', '-f', path, '--note', 'a new customer');
    expect(done.replace(/\(change .*\)/, '')).toBe(dry.replace(/\(dry run.*\)/, ''));
    expect(await ok('apply', '-f', path)).toMatch(/\n5 unchanged\n$/);
  });

  test('what get prints as YAML can be edited and applied again, and the difference is shown', async () => {
    const yaml = await ok('get', 'owners', '--tenant', 'umbrella', '--format', 'yaml');
    expect(await ok('apply', '-f', file('same.yaml', yaml))).toContain('2 unchanged');
    const edited = await ok('apply', '-f', file('edited.yaml', yaml.replace('team: bio', 'team: research')));
    expect(edited).toContain(
      '~ owner/alice  update\n    - team: bio\n    + team: research\n= owner/bill  unchanged\n1 updated, 1 unchanged',
    );
  });

  test('a key is created with its secret, listed without it, and stands with its owner', async () => {
    const created = await ok(
      'keys',
      'create',
      'bot',
      '--tenant',
      'umbrella',
      '--owner',
      'alice',
      '--class',
      'sandbox',
      '--fixed',
      'application=bot',
      '--allow-model',
      'gpt-5*',
      'claude-*',
      '--deny-model',
      '*-preview',
      '--tier',
      'eu',
      '--response-cache',
      '10m',
    );
    const secret = /^ {4}(tlk_\S+)$/m.exec(created)?.[1] ?? '';
    expect(secret).toHaveLength(47);
    expect(created).toContain('It is shown this once and kept nowhere');
    const listed = await ok('keys', 'list', '--tenant', 'umbrella');
    expect(listed).toMatch(/^bot +umbrella +- +alice +sandbox +in force +1 /m);
    expect(await ok('owners', '--tenant', 'umbrella')).toMatch(/^alice +umbrella +Alice .* bot$/m);
    expect(await ok('owners', '--tenant', 'umbrella')).toMatch(/^bill .* -$/m);
    const [key] = JSON.parse(await ok('get', 'key', 'bot', '--format', 'json')) as [{ document: unknown }];
    expect(key.document).toMatchObject({
      class: 'sandbox',
      fixed: { application: 'bot' },
      models: { allow: ['gpt-5*', 'claude-*'], deny: ['*-preview'] },
      tiers: ['eu'],
      response_cache: { ttl_s: 600 },
    });
    expect(JSON.stringify(key)).not.toContain(secret);
  });

  test('what others name, and what stands in the config file, is not deleted; the rest is', async () => {
    expect(await ledger.cli('delete', 'owner', 'alice')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^tokenledger: the registry refused: DOCUMENT_IN_USE: .*virtual_key\/bot/),
    });
    expect(await ledger.cli('delete', 'tenant', 'acme')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('DOCUMENT_MANAGED_BY_CONFIG'),
    });
    expect(await ok('delete', 'channel', 'spare')).toContain('- channel/spare  delete');
    expect(await ledger.cli('get', 'channel', 'spare')).toMatchObject({ code: 1, stderr: expect.stringContaining('DOCUMENT_UNKNOWN') });
  });

  test('the audit shows the changes of one document, newest first, with the differences', async () => {
    const audit = await ok('audit', '--kind', 'owner', '--id', 'alice', '--diff');
    expect(audit).toMatch(
      /local {2}update {2}owner\/alice\n {4}- team: bio\n {4}\+ team: research\n\S+ {2}local {2}create {2}owner\/alice {2}"a new customer"\n/,
    );
    expect((await ok('audit', '--limit', '2')).trimEnd().split('\n')).toHaveLength(3);
  });

  test('a token that is not known, and a registry that is not there, are said to be', async () => {
    const tokenFile = file('token', 'not-a-token-that-anybody-knows');
    expect(await ledger.cli('get', '--token-file', tokenFile)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('UNAUTHENTICATED'),
    });
    expect(await ledger.cli('get', '--registry', 'http://127.0.0.1:1')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('the registry does not answer at http://127.0.0.1:1: start `tokenledger up`'),
    });
    expect(await ledger.cli('get', '--registry', 'nonsense')).toMatchObject({ code: 2 });
  });
});

test('commands say where they looked for an admin token when there is none', async () => {
  await using folder = await makeTempDir('no-token');
  const result = await runCli(['get', '--data', 'data'], { cwd: folder.path });
  expect(result).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/there is no admin token in .*admin-token: set TOKENLEDGER_ADMIN_TOKEN/),
  });
});

describe('the secret that keys are hashed with', () => {
  const roleArgs = (role: string): readonly string[] => ['run', '--roles', role, '--data', 'data', '--admin-port', '0'];
  const envOf = (secret: string) => ({
    TOKENLEDGER_CONTROL_KEY_HASH_SECRET: 'env:HASH_SECRET',
    TOKENLEDGER_REGISTRY_PORT: '0',
    TOKENLEDGER_INGRESS_PORT: '0',
    HASH_SECRET: secret,
  });
  const [first, other] = ['the-secret-that-keys-are-hashed-with', 'another-secret-of-the-same-good-length'];
  const resources = new AsyncDisposableStack();
  let folder: TempDir;
  beforeAll(async () => {
    folder = resources.use(await makeTempDir('hash-secret'));
  });
  afterAll(() => resources.disposeAsync());

  async function expectStart(role: string, secret: string): Promise<void> {
    await using child = startCli(roleArgs(role), { cwd: folder.path, env: envOf(secret) });
    await child.waitForOutput(/"msg":"ready"/, READY_TIMEOUT_MS);
    expect(await child.stop('SIGTERM', STOP_TIMEOUT_MS)).toEqual({ code: 0, signal: null });
  }

  test('is recorded by the first registry, and an ingress with the same one starts without any documents', async () => {
    await expectStart('registry', first);
    await expectStart('ingress', first);
  });

  test.each(['registry', 'ingress'])('keeps the role %s from starting with another, and the message says what to do', async (role) => {
    const result = await runCli(roleArgs(role), { cwd: folder.path, env: envOf(other) });
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(
      /^tokenledger: control\.key_hash_secret is not the secret of generation 1, which keys are hashed with since \S+: start with that one, or to rotate/m,
    );
  });
});
