import { expect, test } from 'vitest';
import { matchPath, matchTail, pathTemplate, segmentsOf } from './path-template.ts';

const path = (template: string, text: string) => matchPath(pathTemplate(template), segmentsOf(text));
const tail = (template: string, text: string) => matchTail(pathTemplate(template), segmentsOf(text));

test('a name stands for the text up to what follows it, decoded', () => {
  expect(path('/model/{model}/converse', '/model/us.amazon.nova-lite-v1%3A0/converse')).toEqual({ model: 'us.amazon.nova-lite-v1:0' });
  expect(path('/v1beta/models/{model}:generateContent', '/v1beta/models/gemini-2.5-pro:generateContent')).toEqual({
    model: 'gemini-2.5-pro',
  });
  expect(path('/model/{model}/invoke', '/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Ainference-profile%2Feu.x/invoke')).toEqual({
    model: 'arn:aws:bedrock:eu-west-1:1:inference-profile/eu.x',
  });
});

test('a name is within one segment, and not empty', () => {
  expect(path('/model/{model}/converse', '/model/a/b/converse')).toBeUndefined();
  expect(path('/model/{model}/converse', '/model//converse')).toBeUndefined();
  expect(path('/models/{model}:countTokens', '/models/:countTokens')).toBeUndefined();
});

test('a path is matched from its beginning, a tail wherever it begins', () => {
  expect(path('/chat/completions', '/v1/chat/completions')).toBeUndefined();
  expect(tail('/chat/completions', '/api/coding/paas/v4/chat/completions')).toEqual({});
  expect(tail('/chat/completions', '/v1/notchat/completions')).toBeUndefined();
  expect(tail('/chat/completions', '/completions')).toBeUndefined();
});

test('several names are read; a badly encoded one stands as it came', () => {
  expect(tail('/locations/{region}/models/{model}:x', '/v1/locations/eu-west4/models/%zz:x')).toEqual({ region: 'eu-west4', model: '%zz' });
});

test('names that objects inherit are names like others', () => {
  expect(path('/files/{file}', '/files/__proto__')).toEqual({ file: '__proto__' });
});
