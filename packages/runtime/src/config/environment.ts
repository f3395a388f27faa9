/** Options from environment variables: text becomes the type that the option has. */
import { nearest, type ConfigProblem } from './problem.ts';
import type { Option, Section } from './section.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface EnvironmentValue {
  readonly option: Option;
  readonly variable: string;
  readonly value: unknown;
}

export interface EnvironmentReading {
  readonly values: readonly EnvironmentValue[];
  readonly problems: readonly ConfigProblem[];
  /** One line for each `TOKENLEDGER_…` variable that looks like a misspelt option. Not refused: Kubernetes adds variables of that form for services. */
  readonly warnings: readonly string[];
}

const PREFIX = 'TOKENLEDGER_';

/** `alsoKnown`: variables with the prefix that are read elsewhere. An empty variable counts as unset. */
export function readEnvironment(sections: readonly Section[], environment: Environment, alsoKnown: readonly string[]): EnvironmentReading {
  const options = sections.flatMap((section) => section.options);
  const values: EnvironmentValue[] = [];
  const problems: ConfigProblem[] = [];
  for (const option of options) {
    const variable = variablesOf(option).find((name) => (environment[name] ?? '') !== '');
    if (variable === undefined) continue;
    const text = environment[variable] ?? '';
    const value = parseText(option, text);
    if (value === undefined) problems.push(wrongText(option, variable, text));
    else values.push({ option, variable, value });
  }
  return { values, problems, warnings: unknownVariables(options, environment, alsoKnown) };
}

/** Undefined when the text cannot be of the option's type; whether the value is allowed is for the schema to say. */
function parseText(option: Option, text: string): unknown {
  switch (option.type) {
    case 'integer':
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : undefined;
    case 'boolean':
      return BOOLEANS.get(text.trim().toLowerCase());
    case 'switch':
      return BOOLEANS.get(text.trim().toLowerCase()) ?? text;
    case 'array':
      return text.trimStart().startsWith('[') ? parseJson(text) : text.split(',').map((item) => item.trim());
    case 'object':
      return parseJson(text);
    case 'string':
      return text;
  }
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['yes', true],
  ['on', true],
  ['false', false],
  ['0', false],
  ['no', false],
  ['off', false],
]);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // the caller reports text that is not of the option's type
  }
}

function variablesOf({ environment, alsoEnvironment }: Option): readonly string[] {
  return alsoEnvironment === undefined ? [environment] : [environment, alsoEnvironment];
}

function wrongText(option: Option, variable: string, text: string): ConfigProblem {
  const links = text.startsWith('tcp://')
    ? ' (Kubernetes adds this variable for a service of that name: set `enableServiceLinks: false`)'
    : '';
  return {
    origin: { kind: 'environment', variable },
    path: `${option.section}.${option.name}`,
    why: `is '${text}', expected ${option.accepts}`,
    fix: `correct or unset the variable${links}`,
  };
}

function unknownVariables(options: readonly Option[], environment: Environment, alsoKnown: readonly string[]): readonly string[] {
  const known = [...options.map((option) => option.environment), ...alsoKnown];
  const warnings: string[] = [];
  for (const variable of Object.keys(environment)) {
    if (!variable.startsWith(PREFIX) || known.includes(variable)) continue;
    const meant = nearest(variable, known);
    if (meant !== undefined) warnings.push(`the variable ${variable} is not an option: did you mean ${meant}?`);
  }
  return warnings;
}
