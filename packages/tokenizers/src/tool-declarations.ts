/** Tools as OpenAI's models read them: declarations of a namespace in TypeScript, with the descriptions of parameters as comments. Other providers write them
 *  otherwise, and about as long. */
import { isJsonObject, type JsonObject } from './json-value.ts';
import { jsonText, type ToolDefinition } from './prompts/prompt.ts';

/** Deeper schemas are written as JSON. */
const DEPTH_MAX = 16;

export function toolDeclarations(tools: readonly ToolDefinition[]): string {
  const lines = ['namespace functions {', ''];
  for (const { name, description, parameters } of tools) {
    if (description !== '') lines.push(`// ${description}`);
    const properties = isJsonObject(parameters) ? parameters['properties'] : undefined;
    const isEmpty = !isJsonObject(properties) || Object.keys(properties).length === 0;
    lines.push(isEmpty ? `type ${name} = () => any;` : `type ${name} = (_: ${objectType(parameters as JsonObject, 0)}) => any;`, '');
  }
  return [...lines, '} // namespace functions'].join('\n');
}

function objectType(schema: JsonObject, depth: number): string {
  const required = new Set(Array.isArray(schema['required']) ? (schema['required'] as readonly unknown[]) : []);
  const lines: string[] = ['{'];
  for (const [name, property] of Object.entries(isJsonObject(schema['properties']) ? schema['properties'] : {})) {
    const described = isJsonObject(property) ? property : {};
    if (typeof described['description'] === 'string') lines.push(`// ${described['description']}`);
    lines.push(`${name}${required.has(name) ? '' : '?'}: ${typeOf(described, depth + 1)},`);
  }
  return [...lines, '}'].join('\n');
}

function typeOf(schema: JsonObject, depth: number): string {
  if (depth > DEPTH_MAX) return jsonText(schema);
  if (Array.isArray(schema['enum'])) return schema['enum'].map((value) => JSON.stringify(value)).join(' | ');
  const choices = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(choices)) return choices.map((choice) => (isJsonObject(choice) ? typeOf(choice, depth + 1) : 'any')).join(' | ');
  const { type } = schema;
  if (Array.isArray(type)) return type.map((each) => typeOf({ ...schema, type: each }, depth + 1)).join(' | ');
  switch (typeof type === 'string' ? type.toLowerCase() : type) {
    case 'object':
      return isJsonObject(schema['properties']) ? objectType(schema, depth) : 'object';
    case 'array':
      return isJsonObject(schema['items']) ? `${typeOf(schema['items'], depth + 1)}[]` : 'any[]';
    case 'integer':
    case 'number':
      return 'number';
    case 'string':
    case 'boolean':
    case 'null':
      return String(type).toLowerCase();
    default:
      return 'any';
  }
}
