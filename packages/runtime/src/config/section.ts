/** A config section: one strict zod object, declared by the package that uses it. Every option has a default and a sentence. */
import { invariant } from '@tokenledger/domain';
import { z } from 'zod';

export interface Section<Name extends string = string, Schema extends z.ZodObject = z.ZodObject> {
  readonly name: Name;
  /** One sentence for the reference page. */
  readonly about: string;
  readonly schema: Schema;
  readonly options: readonly Option[];
}

/** One option as the environment, the messages and the reference page see it. */
export interface Option {
  readonly section: string;
  readonly name: string;
  readonly environment: string;
  /** A variable of a customary name, read when the option's own is not set. */
  readonly alsoEnvironment?: string;
  readonly about: string;
  readonly fallback: unknown;
  readonly type: OptionType;
  /** What a value must be, in words. */
  readonly accepts: string;
}

/** `switch`: true, false or a word such as `auto`. */
export type OptionType = 'integer' | 'number' | 'boolean' | 'switch' | 'string' | 'array' | 'object';

/** The parsed values of a list of sections, by section name. */
export type ConfigOf<Sections extends readonly Section[]> = {
  readonly [Each in Sections[number] as Each['name']]: Readonly<z.output<Each['schema']>>;
};

export interface SectionDeclaration<Schema extends z.ZodObject> {
  readonly about: string;
  readonly schema: Schema;
  /** Variables that do not follow `TOKENLEDGER_<SECTION>_<OPTION>`, by option. */
  readonly environment?: Readonly<Partial<Record<keyof z.output<Schema> & string, string>>>;
  /** Variables that other tools read too, by option: taken when the option's own variable is not set. */
  readonly alsoEnvironment?: Readonly<Partial<Record<keyof z.output<Schema> & string, string>>>;
}

/** Declares a section. Throws when an option has no default or no `.describe()` sentence, so that the reference page is never incomplete. */
export function defineSection<const Name extends string, Schema extends z.ZodObject>(
  name: Name,
  declaration: SectionDeclaration<Schema>,
): Section<Name, Schema> {
  const described = z.toJSONSchema(declaration.schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const variables: Readonly<Record<string, string | undefined>> = declaration.environment ?? {};
  const customary: Readonly<Record<string, string | undefined>> = declaration.alsoEnvironment ?? {};
  const options = Object.entries(described.properties ?? {}).map(([option, property]): Option => {
    invariant(property.description !== undefined, `option ${name}.${option} has a sentence (.describe)`);
    invariant('default' in property, `option ${name}.${option} has a default`);
    const alsoEnvironment = customary[option];
    return {
      section: name,
      name: option,
      environment: variables[option] ?? `TOKENLEDGER_${name}_${option}`.toUpperCase(),
      ...(alsoEnvironment === undefined ? {} : { alsoEnvironment }),
      about: property.description,
      fallback: property.default,
      type: typeOf(property),
      accepts: accepts(property),
    };
  });
  return Object.freeze({ name, about: declaration.about, schema: declaration.schema, options: Object.freeze(options) });
}

/** The part of JSON Schema that `z.toJSONSchema` gives for options. */
interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: string | number | boolean | null;
  readonly format?: string;
  readonly minLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
}

function typeOf(property: JsonSchema): OptionType {
  if (property.anyOf?.some((alternative) => alternative.type === 'boolean') === true) return 'switch';
  switch (property.type) {
    case 'integer':
    case 'number':
    case 'boolean':
    case 'array':
    case 'object':
      return property.type;
    default:
      return 'string';
  }
}

function accepts(property: JsonSchema): string {
  if (property.anyOf !== undefined) return property.anyOf.map(accepts).join(' or ');
  if (property.enum !== undefined) return `one of ${property.enum.map(String).join(', ')}`;
  if (property.const !== undefined) return property.const === '' ? 'empty' : String(property.const);
  switch (property.type) {
    case 'integer':
      return `a whole number${bounds(property)}`;
    case 'number':
      return `a number${bounds(property)}`;
    case 'boolean':
      return 'true or false';
    case 'array':
      return `a list${property.items?.type === 'object' ? ' of objects' : ''}`;
    case 'object':
      return 'a mapping';
    default:
      if (property.format === 'uri') return 'a URL';
      return (property.minLength ?? 0) > 0 ? 'text, not empty' : 'text';
  }
}

/** zod states the safe-integer range where no bound was given: that is no bound to speak of. */
function bounds(property: JsonSchema): string {
  const low = property.minimum ?? property.exclusiveMinimum;
  const from =
    low === undefined || low <= Number.MIN_SAFE_INTEGER ? undefined : `${property.minimum === undefined ? 'more than ' : ''}${low}`;
  const to = property.maximum === undefined || property.maximum >= Number.MAX_SAFE_INTEGER ? undefined : String(property.maximum);
  if (from !== undefined && to !== undefined) return `, ${from} to ${to}`;
  if (from !== undefined) return property.minimum === undefined ? `, ${from}` : `, at least ${from}`;
  if (to !== undefined) return `, at most ${to}`;
  return '';
}
