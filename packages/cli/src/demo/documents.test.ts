import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secretReader } from '@tokenledger/control';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadSettings, type Settings } from '../settings.ts';
import { demoPlan, demoSecretReader, isDemo, makeMissingKeys, simulatedDocuments, simulatedSurfaces } from './documents.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tokenledger-demo-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const OWN_DOCUMENTS = 'documents:\n  tenants: [{ id: mine, name: Mine }]\n';

function settings(environment: Record<string, string> = {}, file?: string): Settings {
  if (file !== undefined) writeFileSync(join(folder, 'tokenledger.yaml'), file);
  return loadSettings({ file: undefined, flags: [], environment, workingDir: folder });
}

describe('whether it is a demo', () => {
  test.each([
    ['without documents, yes', {}, undefined, true],
    ['with documents, no', {}, OWN_DOCUMENTS, false],
    ['without documents and told not to, no', { TOKENLEDGER_DEMO: 'false' }, undefined, false],
    ['with documents and told to, yes', { TOKENLEDGER_DEMO: '1' }, OWN_DOCUMENTS, true],
  ])('%s', (_name, environment, file, expected) => {
    expect(isDemo(settings(environment, file))).toBe(expected);
  });
});

test('the shipped documents have three tenants, and each key a tenant, a project and an owner', () => {
  const { documents } = demoPlan(settings());
  expect(documents.tenants).toHaveLength(3);
  expect(documents.virtual_keys.every((key) => key.project !== undefined && key.owner !== '')).toBe(true);
  expect(new Set(documents.virtual_keys.map((key) => key.tenant)).size).toBe(3);
});

test('documents of one’s own win over the shipped ones', () => {
  const plan = demoPlan(settings({ TOKENLEDGER_DEMO: '1' }, OWN_DOCUMENTS));
  expect(plan.documents.tenants).toEqual([{ id: 'mine', name: 'Mine' }]);
});

describe('channels', () => {
  test('a channel is simulated exactly when its variable is unset or empty', () => {
    expect([...demoPlan(settings()).simulated]).toEqual(['openai', 'anthropic']);
    expect([...demoPlan(settings({ OPENAI_API_KEY: 'x', ANTHROPIC_API_KEY: '' })).simulated]).toEqual(['anthropic']);
    expect([...demoPlan(settings({ OPENAI_API_KEY: 'x', ANTHROPIC_API_KEY: 'y' })).simulated]).toEqual([]);
  });

  test('simulated ones go to the simulator with a stand-in, the others to the provider with their own credential', () => {
    const environment = { OPENAI_API_KEY: 'the-real-one' };
    const plan = demoPlan(settings(environment));
    const channels = simulatedDocuments(plan, 'http://127.0.0.1:9').channels;
    expect(channels.map((channel) => channel.base_url)).toEqual(['https://api.openai.com', 'http://127.0.0.1:9']);
    const read = demoSecretReader(plan, secretReader(environment, folder));
    expect(channels.map((channel) => read(channel.credential))).toEqual(['the-real-one', 'simulated']);
  });
});

describe('the surfaces that traffic may use', () => {
  const channel = (id: string) =>
    `{ id: ${id}, provider: openai, surfaces: [openai.chat], base_url: 'https://api.openai.com', credential: 'env:${id}' }`;
  const surfaces = (environment: Record<string, string>) =>
    simulatedSurfaces(
      demoPlan(settings({ TOKENLEDGER_DEMO: '1', ...environment }, `documents:\n  channels: [${channel('one')}, ${channel('two')}]\n`)),
    );

  test('are those whose serving channel is simulated', () => {
    expect(surfaces({})).toEqual(['openai.chat']);
    expect(surfaces({ two: 'real, but it serves nothing' })).toEqual(['openai.chat']);
  });

  test('are none where a real channel stands first, though another of that surface is simulated', () => {
    expect(surfaces({ one: 'real' })).toEqual([]);
  });
});

test('keys are made at random, once for a directory, and readable by this user only', () => {
  const { layout } = settings();
  const { documents } = demoPlan(settings());
  expect(makeMissingKeys(documents, layout)).toEqual(['demo', 'support-bot', 'planner', 'reviewer']);
  const path = join(layout.secrets, 'demo');
  const key = readFileSync(path, 'utf8').trim();
  expect(key).toMatch(/^tlk_[A-Za-z0-9_-]{32}$/);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(makeMissingKeys(documents, layout)).toEqual([]);
  expect(readFileSync(path, 'utf8').trim()).toBe(key);
  expect(readFileSync(join(layout.secrets, 'planner'), 'utf8').trim()).not.toBe(key);
});
