import { SURFACE_NAMES } from '@tokenledger/providers';
import { expect, test } from 'vitest';
import { surfacesBelow, surfacesOf } from './channel-surfaces.ts';

const by = (prefix: string): readonly string[] => SURFACE_NAMES.filter((name) => name.startsWith(`${prefix}.`));

test('what a document lists is what its channel speaks', () => {
  expect(surfacesOf({ provider: 'openai', surfaces: ['anthropic.messages'] })).toEqual(['anthropic.messages']);
});

test.each(['openai', 'anthropic'])('a channel of %s speaks all of its API', (provider) => {
  expect(surfacesOf({ provider })).toEqual(by(provider));
});

test('a channel of Azure speaks the API of OpenAI', () => {
  expect(surfacesOf({ provider: 'azure' })).toEqual(by('openai'));
});

test('what a provider has under paths of its own is spoken where the channel is named, and not at the root', () => {
  expect(surfacesBelow({ provider: 'google' })).toEqual([...by('google'), 'openai.chat', 'openai.embeddings']);
  expect(surfacesOf({ provider: 'google' })).toEqual(by('google'));
  expect(surfacesBelow({ provider: 'zai' })).toContain('anthropic.messages');
  expect(surfacesBelow({ provider: 'openai' })).toEqual(surfacesOf({ provider: 'openai' }));
  expect(surfacesBelow({ provider: 'google', surfaces: ['google.generate'] })).toEqual(['google.generate']);
});

test('own property names of objects are no providers', () => {
  expect(surfacesOf({ provider: 'constructor' })).toEqual(surfacesOf({ provider: 'somebody' }));
});

test('a channel of a provider that is not known speaks what compatible APIs have', () => {
  expect(surfacesOf({ provider: 'somebody' })).toContain('openai.chat');
  expect(surfacesOf({ provider: 'somebody' }).filter((name) => !by('openai').includes(name))).toEqual([]);
});
