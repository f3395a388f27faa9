import { expect, test } from 'vitest';
import { toolDeclarations } from './tool-declarations.ts';

test('tools are declared as functions of a namespace, with what their parameters mean', () => {
  const parameters = {
    type: 'object',
    properties: {
      city: { type: 'string', description: 'Its name' },
      unit: { enum: ['C', 'F'] },
      days: { type: 'array', items: { type: 'integer' } },
      at: { anyOf: [{ type: 'string' }, { type: 'null' }] },
      where: { type: 'object', properties: { lat: { type: 'number' } }, required: ['lat'] },
    },
    required: ['city'],
  };
  const text = toolDeclarations([
    { name: 'weather', description: 'The weather of a city', parameters },
    { name: 'now', description: '', parameters: undefined },
  ]);
  expect(text).toBe(`namespace functions {

// The weather of a city
type weather = (_: {
// Its name
city: string,
unit?: "C" | "F",
days?: number[],
at?: string | null,
where?: {
lat: number,
},
}) => any;

type now = () => any;

} // namespace functions`);
});

test('a schema that is nested without end comes to one', () => {
  let schema: unknown = { type: 'string' };
  for (let depth = 0; depth < 500; depth += 1) schema = { type: 'object', properties: { deeper: schema } };
  expect(toolDeclarations([{ name: 'deep', description: '', parameters: schema }])).toContain('"deeper"');
});
