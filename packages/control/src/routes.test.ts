import { describe, expect, test } from 'vitest';
import { documentSet } from './document-set.ts';
import type { ControlDocument } from './documents.ts';
import { documentsOf, documentsSection } from './load.ts';
import { channelCache, controlState, resolveControl } from './state.ts';

const NOBODY = { taskType: '', labels: {} };

/** `routes` as they stand in a config file; `channels`: ids and what else their documents say. */
function routesOf(routes: readonly object[], channels: Readonly<Record<string, object>> = { a: {}, b: {}, c: {}, d: {} }) {
  const section = documentsSection.parse({
    channels: Object.entries(channels).map(([id, more]) => ({
      id,
      provider: 'openai',
      base_url: `http://${id}.test`,
      credential: 'env:KEY',
      ...more,
    })),
    routes,
  });
  return resolveControl(documentsOf(section), { readSecret: () => 'sk-secret', keyHashSecret: Buffer.alloc(32, 1) }).routes;
}
const to = (...channels: readonly (string | object)[]) => ({
  channels: channels.map((channel) => (typeof channel === 'string' ? { channel } : channel)),
});
const found = (table: ReturnType<typeof routesOf>, model: string, attribution: object = NOBODY, surface = 'openai.chat') =>
  table?.find(surface, model, { ...NOBODY, ...attribution })?.id;

test('without routes there is no table to look into', () => {
  expect(routesOf([])).toBeUndefined();
});

describe('a route takes', () => {
  test('the models that it names, exactly or by their beginning', () => {
    const table = routesOf([
      { id: 'exact', models: ['gpt-5-mini', 'fast'], ...to('a') },
      { id: 'family', models: ['gpt-5*'], ...to('b'), priority: 200 },
    ]);
    const models = ['gpt-5-mini', 'fast', 'gpt-5', 'gpt-5-nano', 'gpt-4', 'fast-2', ''];
    expect(models.map((model) => found(table, model))).toEqual(['exact', 'exact', 'family', 'family', undefined, undefined, undefined]);
  });

  test('any model where it names none', () => {
    expect(found(routesOf([{ id: 'any', ...to('a') }]), 'whatever')).toBe('any');
  });

  test('the tasks that it names, and carries labels that it asks for, all of them', () => {
    const table = routesOf([
      { id: 'restricted', labels: { sensitivity: 'restricted' }, ...to('a'), priority: 1 },
      { id: 'cheap', task_types: ['summary', 'triage'], models: ['gpt*'], ...to('b'), priority: 2 },
      { id: 'rest', ...to('c') },
    ]);
    expect(found(table, 'gpt-5', { labels: { sensitivity: 'restricted' }, taskType: 'summary' })).toBe('restricted');
    expect(found(table, 'gpt-5', { labels: { sensitivity: 'public' }, taskType: 'summary' })).toBe('cheap');
    expect(found(table, 'claude', { taskType: 'summary' })).toBe('rest');
    expect(found(table, 'gpt-5')).toBe('rest');
  });

  test('surfaces that one of its channels speaks, by those channels alone', () => {
    const table = routesOf([{ id: 'any', ...to('a', 'b') }], { a: {}, b: { provider: 'anthropic' } });
    expect(table?.find('anthropic.messages', 'claude', NOBODY)?.order?.map(({ channel }) => channel.id)).toEqual(['b']);
    expect(table?.find('openai.chat', 'claude', NOBODY)?.order?.map(({ channel }) => channel.id)).toEqual(['a']);
    expect(found(table, 'gemini', NOBODY, 'google.generate')).toBeUndefined();
  });
});

test('of several routes the lowest priority takes it, among equals the first by id', () => {
  const routes = [
    { id: 'z', ...to('a'), models: ['gpt-5'] },
    { id: 'm', ...to('a'), models: ['gpt-*'] },
    { id: 'first', ...to('a'), priority: 1, task_types: ['summary'] },
  ];
  expect(found(routesOf(routes), 'gpt-5')).toBe('m');
  expect(found(routesOf(routes.toReversed()), 'gpt-5')).toBe('m');
  expect(found(routesOf(routes), 'gpt-5', { taskType: 'summary' })).toBe('first');
});

test('weighted neighbours are a group, also where a channel between them speaks another surface', () => {
  const table = routesOf(
    [
      {
        id: 'r',
        ...to({ channel: 'a', weight: 2 }, { channel: 'other', weight: 1 }, { channel: 'b', weight: 1 }, 'c', { channel: 'd', weight: 5 }),
      },
    ],
    { a: {}, b: {}, c: {}, d: {}, other: { provider: 'anthropic' } },
  );
  const groups = table
    ?.find('openai.chat', 'gpt-5', NOBODY)
    ?.groups.map((group) => group.map(({ channel, weight }) => `${channel.id}:${weight}`));
  expect(groups).toEqual([['a:2', 'b:1'], ['c:0'], ['d:5']]);
});

test('a channel whose credential is not here is left out, unless all of them are: then the request is refused by the first', () => {
  const order = (missing: string) => {
    const readSecret = (reference: string): string => {
      if (missing.includes(reference.slice(-1))) throw new Error('not set');
      return 'sk-secret';
    };
    const channels = ['A', 'B'].map((id) => ({
      id: id.toLowerCase(),
      provider: 'openai',
      base_url: 'http://x.test',
      credential: `env:${id}`,
    }));
    const documents = documentSet(
      documentsOf(documentsSection.parse({ channels, routes: [{ id: 'r', ...to('a', 'b') }] })) as ControlDocument[],
    );
    const state = controlState(documents, { readSecret, hashers: new Map(), channels: channelCache(), nowMs: 0 });
    return state.routes
      ?.find('openai.chat', 'gpt-5', NOBODY)
      ?.order?.map(({ channel }) => `${channel.id}${channel.problem === '' ? '' : '!'}`);
  };
  expect(order('')).toEqual(['a', 'b']);
  expect(order('A')).toEqual(['b']);
  expect(order('AB')).toEqual(['a!', 'b!']);
});

test('a route that names a channel which does not exist says so, and works with the others', () => {
  const section = documentsSection.parse({ channels: [], routes: [{ id: 'r', ...to('gone') }] });
  const documents = documentSet(documentsOf(section) as ControlDocument[]);
  const state = controlState(documents, { readSecret: () => '', hashers: new Map(), channels: channelCache(), nowMs: 0 });
  expect(state.problems).toMatchObject([{ kind: 'route', id: 'r', code: 'REFERENCE_MISSING' }]);
  expect(state.routes?.find('openai.chat', 'gpt-5', NOBODY)).toBeUndefined();
});

test('a thousand routes cost a request no more than the few that name its model', () => {
  const many = Array.from({ length: 1_000 }, (_, index) => ({ id: `r${index}`, models: [`model-${index}`], ...to('a') }));
  const table = routesOf([...many, { id: 'any', ...to('b'), priority: 999 }]);
  expect([found(table, 'model-500'), found(table, 'other')]).toEqual(['r500', 'any']);
});
