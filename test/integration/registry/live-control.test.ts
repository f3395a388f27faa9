// What an ingress sees of the control topic while keys come, rotate, expire and go, and while single documents cannot be used.
import { type LiveControl, liveControl, type LiveControlOptions, type ControlState } from '@tokenledger/control';
import { AppError } from '@tokenledger/domain';
import { systemPacing, topicNames } from '@tokenledger/event-log';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { HASH_SECRET, runRegistry, type RunningRegistry } from '../../support/running-registry.ts';
import { waitFor } from '../../support/wait-for.ts';

const { control: TOPIC } = topicNames('test.');
/** The promise is two seconds. */
const EFFECT_MS = 2_000;

let registry: RunningRegistry;
let opened: LiveControl[] = [];
beforeAll(async () => {
  registry = await runRegistry();
  await apply({ kind: 'tenant', id: 'acme', name: 'Acme' }, { kind: 'owner', id: 'ada', tenant: 'acme', name: 'Ada', team: 'search' });
});
afterEach(async () => {
  for (const live of opened.splice(0)) await live.close();
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
});

const apply = (...documents: readonly unknown[]) => registry.call('POST', '/v1/apply', { documents });
async function createKey(id: string, more: Record<string, unknown> = {}): Promise<string> {
  const { json } = await registry.call('POST', '/v1/keys', { id, tenant: 'acme', owner: 'ada', ...more });
  return String(json['secret']);
}
async function open(options: Partial<LiveControlOptions> = {}): Promise<LiveControl> {
  const live = await liveControl({
    log: registry.log,
    topic: TOPIC,
    readSecret: () => 'a secret',
    keyHashSecrets: { current: HASH_SECRET },
    ...options,
  });
  opened.push(live);
  return live;
}
const soon = (condition: () => boolean, describe: string): Promise<true> =>
  waitFor(condition, { timeoutMs: EFFECT_MS, describe, intervalMs: 5 });

test('a key that is created works, with the attribution of its owner, within two seconds; revoked it is known as revoked', async () => {
  const live = await open();
  const text = await createKey('made', { class: 'sandbox', fixed: { feature: 'chat' } });
  await soon(() => live.current().findKey(text) !== undefined, 'the key to be known');
  expect(live.current().findKey(text)).toMatchObject({
    id: 'made',
    class: 'sandbox',
    revoked: false,
    attribution: { ownerId: 'ada', team: 'search', feature: 'chat' },
  });
  await registry.call('POST', '/v1/keys/made/revoke', {});
  await soon(() => live.current().findKey(text)?.revoked === true, 'the key to be revoked');
});

test('what a request began with stays as it was', async () => {
  const live = await open();
  const text = await createKey('kept');
  await soon(() => live.current().findKey(text) !== undefined, 'the key to be known');
  const begun = live.current();
  await apply({ kind: 'owner', id: 'ada', tenant: 'acme', name: 'Ada', team: 'ranking' });
  await soon(() => live.current().findKey(text)?.attribution.team === 'ranking', 'the team to change');
  expect(begun.findKey(text)?.attribution.team).toBe('search');
  await apply({ kind: 'owner', id: 'ada', tenant: 'acme', name: 'Ada', team: 'search' });
});

test('while a rotation overlaps both secrets work, then the old one ends by itself', async () => {
  const live = await open();
  const old = await createKey('turned');
  const { json } = await registry.call('POST', '/v1/keys/turned/rotate', { overlap_s: 1 });
  const fresh = String(json['secret']);
  await soon(() => live.current().findKey(fresh) !== undefined, 'the new secret to work');
  expect(live.current().findKey(old)?.id).toBe('turned');
  await soon(() => live.current().findKey(old) === undefined, 'the old secret to end');
  expect(live.current().findKey(fresh)?.id).toBe('turned');
});

test('a channel without its secret is a problem of its own, and ends once the secret is there', async () => {
  const channel = (id: string, priority: number) => ({
    kind: 'channel',
    id,
    provider: 'openai',
    surfaces: ['openai.chat'],
    base_url: 'http://127.0.0.1:1',
    priority,
    credential: `env:${id.toUpperCase()}`,
  });
  const secrets: Record<string, string> = { 'env:SECOND': 'second-secret' };
  const readSecret = (reference: string): string => {
    const secret = secrets[reference];
    if (secret === undefined) throw new AppError('SECRET_MISSING', `${reference} is not set`);
    return secret;
  };
  const states: ControlState[] = [];
  const quick = { ...systemPacing, wait: (ms: number, signal?: AbortSignal) => systemPacing.wait(ms / 50, signal) };
  const live = await open({ readSecret, onState: (state) => states.push(state), pacing: quick });
  await apply(channel('first', 1), channel('second', 2));
  await soon(() => live.current().channels.length === 2, 'the channels');
  expect(live.current().channelFor('openai.chat')).toMatchObject({ id: 'first', credential: '', problem: 'env:FIRST is not set' });
  expect(live.current().problems).toMatchObject([{ kind: 'channel', id: 'first', code: 'SECRET_MISSING' }]);
  const second = live.current().channels[1];
  expect(second).toMatchObject({ id: 'second', credential: 'second-secret', problem: '' });
  secrets['env:FIRST'] = 'first-secret';
  await soon(() => live.current().problems.length === 0, 'the secret to be found');
  expect(live.current().channelFor('openai.chat')).toMatchObject({ id: 'first', credential: 'first-secret', problem: '' });
  expect(live.current().channels[1], 'a channel that did not change is the same object').toBe(second);
  expect(states.at(-1)).toBe(live.current());
});

test('a view that opens later knows all of it, and how old that is', async () => {
  const text = await createKey('earlier');
  const live = await open();
  expect(live.current().findKey(text)?.id).toBe('earlier');
  expect(live.documents().get('tenant', 'acme')).toMatchObject({ name: 'Acme' });
  expect(live.behindMs()).toBeLessThan(5_000);
});
