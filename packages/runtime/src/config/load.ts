/** Settings from flags, environment, file and defaults, in this order of precedence: parsed once, checked whole, frozen. */
import type { z } from 'zod';
import { readEnvironment, type Environment } from './environment.ts';
import { readConfigFile, type ConfigFile } from './file.ts';
import { ConfigError, nearest, type ConfigProblem, type Origin } from './problem.ts';
import type { ConfigOf, Section } from './section.ts';

/** A value from the command line. */
export interface FlagValue {
  /** As the user writes it, e.g. `--ingress-port`. */
  readonly flag: string;
  readonly section: string;
  readonly option: string;
  readonly value: unknown;
}

export interface ConfigSources {
  readonly flags?: readonly FlagValue[];
  readonly environment?: Environment;
  /** Variables with our prefix that are no options, e.g. `TOKENLEDGER_CONFIG`. */
  readonly otherVariables?: readonly string[];
  /** Path of the YAML file; undefined: none. */
  readonly file?: string | undefined;
}

export interface LoadedConfig<Sections extends readonly Section[]> {
  readonly config: ConfigOf<Sections>;
  /** Where each value that is not a default came from, by path such as `ingress.port`. */
  readonly origins: ReadonlyMap<string, Origin>;
  readonly warnings: readonly string[];
}

/** Throws `ConfigError` (`CONFIG_INVALID`) with every problem found, or `CONFIG_UNREADABLE`. */
export function loadConfig<const Sections extends readonly Section[]>(sections: Sections, sources: ConfigSources): LoadedConfig<Sections> {
  const file = sources.file === undefined ? undefined : readConfigFile(sources.file);
  const environment = readEnvironment(sections, sources.environment ?? {}, sources.otherVariables ?? []);
  const problems: ConfigProblem[] = [...environment.problems];
  const origins = new Map<string, Origin>();
  const raw = fromFile(sections, file, origins, problems);

  const put = (section: string, option: string, value: unknown, origin: Origin): void => {
    (raw[section] ??= {})[option] = value;
    origins.set(`${section}.${option}`, origin);
  };
  for (const { option, variable, value } of environment.values) {
    put(option.section, option.name, value, { kind: 'environment', variable });
  }
  for (const { flag, section, option, value } of sources.flags ?? []) put(section, option, value, { kind: 'flag', flag });

  const config: Record<string, unknown> = {};
  for (const section of sections) {
    const parsed = section.schema.safeParse(raw[section.name] ?? {});
    if (parsed.success) config[section.name] = deepFreeze(parsed.data);
    else for (const issue of parsed.error.issues) problems.push(...problemsOf(section, issue, raw[section.name], origins, file));
  }
  const [first, ...rest] = problems;
  if (first !== undefined) throw new ConfigError([first, ...rest]);
  return { config: Object.freeze(config) as ConfigOf<Sections>, origins, warnings: environment.warnings };
}

function fromFile(
  sections: readonly Section[],
  file: ConfigFile | undefined,
  origins: Map<string, Origin>,
  problems: ConfigProblem[],
): Record<string, Record<string, unknown>> {
  const raw: Record<string, Record<string, unknown>> = {};
  if (file === undefined || file.values === null || file.values === undefined) return raw;
  const at = (path: readonly PropertyKey[]): Origin => ({ kind: 'file', file: file.path, line: file.lineOf(path) });
  if (!isRecord(file.values)) {
    problems.push({
      origin: at([]),
      path: 'the file',
      why: 'is not a mapping of sections',
      fix: 'start it with a section name and a colon',
    });
    return raw;
  }
  const names = sections.map((section) => section.name);
  for (const [name, values] of Object.entries(file.values)) {
    if (!names.includes(name)) {
      problems.push({ origin: at([name]), path: name, why: 'is not a section', fix: meantOrRemove(name, names) });
    } else if (isRecord(values)) {
      raw[name] = { ...values };
      for (const option of Object.keys(values)) origins.set(`${name}.${option}`, at([name, option]));
    } else if (values !== null) {
      problems.push({
        origin: at([name]),
        path: name,
        why: 'is not a mapping',
        fix: `write its options below it: ${optionList(sections, name)}`,
      });
    }
  }
  return raw;
}

function problemsOf(
  section: Section,
  issue: z.core.$ZodIssue,
  values: unknown,
  origins: ReadonlyMap<string, Origin>,
  file: ConfigFile | undefined,
): readonly ConfigProblem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key): ConfigProblem => {
      const path = [...issue.path, key];
      return {
        origin: originOf(section, path, origins, file),
        path: pathText(section, path),
        why: 'is not an option',
        fix: unknownFix(section, issue.path, key),
      };
    });
  }
  const option = section.options.find((candidate) => candidate.name === issue.path[0]);
  const value = issue.path.reduce<unknown>(
    (inner, part) => (isRecord(inner) || Array.isArray(inner) ? Reflect.get(inner, part) : undefined),
    values,
  );
  // The message of a pattern is our own and says more than the type does.
  const ownWords = issue.code === 'invalid_format' && issue.format === 'regex';
  const wanted = issue.path.length === 1 && option !== undefined && !ownWords ? `expected ${option.accepts}` : sentence(issue.message);
  const origin = originOf(section, issue.path, origins, file);
  return [
    {
      origin,
      path: pathText(section, issue.path),
      why: value === undefined ? `is missing or incomplete: ${wanted}` : `is ${shown(String(issue.path.at(-1)), value)}, ${wanted}`,
      fix: option === undefined ? 'correct it' : `correct it, or remove it for the default (${JSON.stringify(option.fallback)})`,
    },
  ];
}

function originOf(
  section: Section,
  path: readonly PropertyKey[],
  origins: ReadonlyMap<string, Origin>,
  file: ConfigFile | undefined,
): Origin {
  const origin = origins.get(`${section.name}.${String(path[0])}`);
  if (origin?.kind === 'file' && file !== undefined) return { ...origin, line: file.lineOf([section.name, ...path]) };
  return origin ?? { kind: 'default' };
}

function unknownFix(section: Section, parent: readonly PropertyKey[], key: string): string {
  const names = section.options.map((option) => option.name);
  return parent.length === 0 ? meantOrRemove(key, names) : 'remove it, or see docs/configuration.md for the fields there are';
}

function meantOrRemove(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  return meant === undefined ? `remove it, or use one of: ${known.join(', ')}` : `did you mean '${meant}'?`;
}

function optionList(sections: readonly Section[], name: string): string {
  const section = sections.find((candidate) => candidate.name === name);
  return (section?.options ?? []).map((option) => option.name).join(', ');
}

/** `ingress.port`, `documents.channels[0].base_url`. */
function pathText(section: Section, path: readonly PropertyKey[]): string {
  return section.name + path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
}

const VALUE_CHARS_MAX = 60;

function shown(name: string, value: unknown): string {
  if (/password|secret|token|credential/.test(name)) return 'a value that is not shown';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > VALUE_CHARS_MAX ? `${text.slice(0, VALUE_CHARS_MAX)}…` : text;
}

/** zod's message as the end of a sentence. */
function sentence(message: string): string {
  return message.replace(/^Invalid input: /, '').replace(/^[A-Z](?=[a-z ])/, (letter) => letter.toLowerCase());
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
