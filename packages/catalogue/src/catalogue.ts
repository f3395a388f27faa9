/** The catalogue of models: which there are, found by what requests and answers call them. */
import { rejected, type Rejected } from '@tokenledger/domain';
import { parseDocument } from 'yaml';
import { catalogueFile, type WrittenCatalogue, type WrittenModel } from './catalogue-file.ts';
import { type CatalogueModel, lifecycleOf, type ModelFlag } from './model.ts';
import { namesOf } from './model-name.ts';

/** The catalogue that ships with the program. */
export const SHIPPED_CATALOGUE = new URL('../../../schemas/catalogue/models.yaml', import.meta.url);

export interface Catalogue {
  /** As they are written down. */
  readonly models: readonly CatalogueModel[];
  /** Names of providers that are listed. */
  readonly providers: readonly string[];
  /** Pages by id. */
  readonly sources: ReadonlyMap<string, { readonly url: string; readonly readMs: number }>;
  /** By a name that a request or an answer gives: a fine-tuned model's is found by its base model. Undefined: not known. */
  find(provider: string, model: string): CatalogueModel | undefined;
  /** What is to be said of a request for a model, by the first of these names that is known; null: nothing. */
  flagOf(provider: string, names: readonly string[], atMs: number): ModelFlag | null;
}

const PROBLEMS_SHOWN_MAX = 10;

/** Reads a catalogue from YAML or JSON. Rejects `CATALOGUE_INVALID`, naming what is wrong. */
export function parseCatalogue(text: string): Catalogue | Rejected {
  const document = parseDocument(text, { uniqueKeys: true });
  const [error] = document.errors;
  if (error !== undefined) return invalid([error.message.replaceAll(/\s+/g, ' ').trim()]);
  const parsed = catalogueFile.safeParse(document.toJS());
  if (!parsed.success) return invalid(parsed.error.issues.map(({ path, message }) => `${pathText(path)}: ${message}`));
  const problems = contradictions(parsed.data);
  return problems.length > 0 ? invalid(problems) : catalogueOf(parsed.data);
}

function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return text === '' ? 'the top' : text.replace(/^\./, '');
}

function invalid(problems: readonly string[]): Rejected {
  const more = problems.length > PROBLEMS_SHOWN_MAX ? [`and ${problems.length - PROBLEMS_SHOWN_MAX} more`] : [];
  return rejected('CATALOGUE_INVALID', [...problems.slice(0, PROBLEMS_SHOWN_MAX), ...more].join('; '));
}

/** What no single line shows. */
function contradictions({ sources, providers, models }: WrittenCatalogue): readonly string[] {
  const problems: string[] = [];
  const taken = new Map<string, string>();
  for (const [index, each] of models.entries()) {
    const at = `models[${index}] (${each.model})`;
    if (!Object.hasOwn(providers, each.provider)) problems.push(`${at}: the provider ${each.provider} is not listed`);
    for (const source of each.sources) if (!Object.hasOwn(sources, source)) problems.push(`${at}: there is no source ${source}`);
    if ((each.family === undefined) !== (each.tokenizer === undefined)) problems.push(`${at}: family and tokenizer go together`);
    const days = [each.released, each.deprecated, each.retired].filter((day) => day !== undefined);
    if (days.some((day, place) => place > 0 && day < (days[place - 1] ?? day)))
      problems.push(`${at}: it is released, deprecated and retired in this order`);
    for (const name of [each.model, ...each.aliases]) {
      const key = keyOf(each.provider, name);
      const owner = taken.get(key);
      if (owner !== undefined) problems.push(`${at}: ${name} is a name of ${owner} already`);
      taken.set(key, each.model);
    }
  }
  return problems;
}

function catalogueOf(written: WrittenCatalogue): Catalogue {
  const models = written.models.map(modelOf);
  const providerNames = new Map<string, string>();
  for (const [name, { also }] of Object.entries(written.providers)) for (const other of [name, ...also]) providerNames.set(other, name);
  const byName = new Map<string, CatalogueModel>();
  for (const model of models) for (const name of [model.model, ...model.aliases]) byName.set(keyOf(model.provider, name), model);

  const find = (provider: string, model: string): CatalogueModel | undefined => {
    const seller = providerNames.get(provider);
    if (seller === undefined) return undefined;
    for (const name of namesOf(model)) {
      const found = byName.get(keyOf(seller, name));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return {
    models,
    providers: Object.keys(written.providers),
    sources: new Map(Object.entries(written.sources).map(([id, { url, date }]) => [id, { url, readMs: date }])),
    find,
    flagOf(provider, names, atMs) {
      const seller = providerNames.get(provider);
      if (seller === undefined) return null;
      for (const name of names) {
        const model = name === '' ? undefined : find(provider, name);
        if (model !== undefined) return lifecycleOf(model, atMs) === 'retired' ? 'model_retired' : null;
      }
      return written.providers[seller]?.complete === true && names.some((name) => name !== '') ? 'model_unknown' : null;
    },
  };
}

function modelOf(written: WrittenModel): CatalogueModel {
  return {
    provider: written.provider,
    model: written.model,
    aliases: written.aliases,
    family: written.family ?? '',
    tokenizer: written.tokenizer ?? '',
    contextWindow: written.context_window ?? null,
    maxOutput: written.max_output ?? null,
    input: written.input,
    output: written.output,
    priceKey: written.price_key === undefined ? written.model : written.price_key,
    releasedMs: written.released ?? null,
    deprecatedMs: written.deprecated ?? null,
    retiredMs: written.retired ?? null,
    sources: written.sources,
  };
}

function keyOf(provider: string, model: string): string {
  return `${provider}/${model.toLowerCase()}`;
}
