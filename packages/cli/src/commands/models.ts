/** `tokenledger models`: what is known of models: which there are, what is known of one, and whether those that are used will be served. */
import { type Catalogue, type CatalogueModel, lifecycleOf } from '@tokenledger/catalogue';
import type { PriceBook } from '@tokenledger/pricing';
import { familyOf } from '@tokenledger/tokenizers';
import { Command, InvalidArgumentError } from 'commander';
import { catalogueAt } from '../catalogue-file.ts';
import { withExamples } from '../command-line.ts';
import { EXIT } from '../exit.ts';
import { bookAt, SHIPPED } from '../price-files.ts';
import { textTable } from '../registry/text-table.ts';

interface CatalogueOptions {
  readonly catalogue: string;
  readonly at: number;
}

interface ListOptions extends CatalogueOptions {
  readonly provider?: string;
  readonly retired?: boolean;
}

interface CheckOptions extends CatalogueOptions {
  readonly provider?: string;
  readonly book: string;
}

const MS_PER_DAY = 86_400_000;
/** Whoever uses a model that goes so soon is told. */
const SOON_DAYS = 90;
const NONE = '-';

export function modelsCommand(): Command {
  return new Command('models')
    .description('Look at the catalogue of models: list them, show one, check names and the catalogue itself.')
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(checkCommand());
}

function listCommand(): Command {
  const command = new Command('list')
    .description('The models that are served, by provider: context, output, tokenizer, and when they go.')
    .option('--provider <name>', 'this provider alone (default: all)')
    .option('--retired', 'those that are retired too');
  withCatalogue(command).action((options: ListOptions) => console.log(modelTable(catalogueAt(options.catalogue), options)));
  return withExamples(
    command,
    ['tokenledger models list --provider anthropic', 'what Anthropic serves'],
    ['tokenledger models list --at 2027-02-01', 'then'],
  );
}

function showCommand(): Command {
  const command = new Command('show')
    .description('All that is known of a model, by any of its names; of a fine-tuned one by its base. Exits with 1 when it is not known.')
    .argument('<model>', 'as requests or answers name it')
    .option('--provider <name>', 'at this provider (default: all that have it)');
  withCatalogue(command).action((model: string, options: CatalogueOptions & { readonly provider?: string }) => {
    const shown = shownModels(catalogueAt(options.catalogue), model, options);
    if (shown === undefined) process.exitCode = EXIT.failed;
    console.log(shown ?? `no model ${model} is known`);
  });
  return withExamples(
    command,
    ['tokenledger models show gpt-4o-2024-08-06', 'and what it is an alias of'],
    ['tokenledger models show ft:gpt-4.1-mini:acme::8kQz', 'its base model'],
  );
}

function checkCommand(): Command {
  const command = new Command('check')
    .description(
      `Say of each name whether it is known, served and priced, and what goes within ${SOON_DAYS} days; without names, hold the catalogue against the price book and the tokenizers. Exits with 1 when something is wrong.`,
    )
    .argument('[model...]', 'as requests name them (default: the catalogue itself)')
    .option('--provider <name>', 'where they are asked for (default: any that has them)')
    .option('--book <file>', 'the price book', SHIPPED);
  withCatalogue(command).action((models: string[], options: CheckOptions) => {
    const catalogue = catalogueAt(options.catalogue);
    const book = bookAt(options.book);
    const problems =
      models.length === 0 ? catalogueProblems(catalogue, book) : models.flatMap((model) => modelProblems(catalogue, book, model, options));
    for (const problem of problems) console.log(problem);
    if (problems.length > 0) process.exitCode = EXIT.failed;
    else
      console.log(
        models.length === 0
          ? `${catalogue.models.length} models of ${catalogue.providers.length} providers, nothing is wrong`
          : 'nothing is wrong',
      );
  });
  return withExamples(
    command,
    ['tokenledger models check', 'the catalogue that ships'],
    ['tokenledger models check gpt-4o claude-sonnet-4-5', 'whether these will be served'],
  );
}

function withCatalogue(command: Command): Command {
  return command
    .option('--at <day>', 'on this day, e.g. 2027-01-31 (default: now)', parseDay, Date.now())
    .option('--catalogue <file>', 'the catalogue', SHIPPED);
}

function parseDay(text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new InvalidArgumentError(`${text} is no day like 2027-01-31`);
  return ms;
}

export function modelTable(catalogue: Catalogue, { provider, retired = false, at }: Omit<ListOptions, 'catalogue'>): string {
  const rows = catalogue.models
    .filter((model) => (provider === undefined || model.provider === provider) && (retired || lifecycleOf(model, at) !== 'retired'))
    .map((model) => [
      model.provider,
      model.model,
      numberText(model.contextWindow),
      numberText(model.maxOutput),
      model.tokenizer === '' ? NONE : model.tokenizer,
      lifecycleOf(model, at),
      dayText(model.retiredMs),
    ]);
  if (rows.length === 0)
    return provider === undefined ? 'no models' : `no models of ${provider}; listed are ${catalogue.providers.join(', ')}`;
  return textTable(['PROVIDER', 'MODEL', 'CONTEXT', 'OUTPUT', 'TOKENIZER', 'STATE', 'RETIRED'], rows);
}

/** Undefined when no provider has such a model. */
export function shownModels(
  catalogue: Catalogue,
  name: string,
  { provider, at }: { readonly provider?: string; readonly at: number },
): string | undefined {
  const found = foundModels(catalogue, name, provider);
  return found.length === 0 ? undefined : found.map((model) => shownModel(catalogue, model, at)).join('\n\n');
}

function foundModels(catalogue: Catalogue, name: string, provider: string | undefined): readonly CatalogueModel[] {
  const providers = provider === undefined ? catalogue.providers : [provider];
  return providers.map((each) => catalogue.find(each, name)).filter((model) => model !== undefined);
}

function shownModel({ sources }: Catalogue, model: CatalogueModel, at: number): string {
  const lines: readonly (readonly [string, string])[] = [
    ['provider', model.provider],
    ['model', model.model],
    ['aliases', listText(model.aliases)],
    ['state', lifecycleOf(model, at)],
    ['released', dayText(model.releasedMs)],
    ['deprecated', dayText(model.deprecatedMs)],
    ['retired', dayText(model.retiredMs)],
    ['context window', numberText(model.contextWindow)],
    ['max output', numberText(model.maxOutput)],
    ['input', listText(model.input)],
    ['output', listText(model.output)],
    ['family', model.family === '' ? NONE : model.family],
    ['tokenizer', model.tokenizer === '' ? NONE : model.tokenizer],
    ['price key', model.priceKey ?? NONE],
    ['sources', listText(model.sources.map((id) => sources.get(id)?.url ?? id))],
  ];
  return lines.map(([name, value]) => `${name.padEnd(15)} ${value}`).join('\n');
}

/** What is wrong with asking for a model, in a sentence each. */
export function modelProblems(
  catalogue: Catalogue,
  book: PriceBook,
  name: string,
  { provider, at }: { readonly provider?: string; readonly at: number },
): readonly string[] {
  const found = foundModels(catalogue, name, provider);
  if (found.length === 0) return [`${name}: is not known${provider === undefined ? '' : ` at ${provider}`}`];
  return found.flatMap((model) => {
    const where = `${name} (${model.provider}/${model.model})`;
    const state = lifecycleOf(model, at);
    const days = model.retiredMs === null ? Infinity : Math.ceil((model.retiredMs - at) / MS_PER_DAY);
    return [
      ...(state === 'retired' ? [`${where}: is retired since ${dayText(model.retiredMs)}`] : []),
      ...(state === 'retiring' && days <= SOON_DAYS ? [`${where}: retires on ${dayText(model.retiredMs)}, in ${days} days`] : []),
      ...(hasPrice(book, model) ? [] : [`${where}: has no price`]),
    ];
  });
}

/** Where the catalogue disagrees with the price book or with how tokens are counted. */
export function catalogueProblems(catalogue: Catalogue, book: PriceBook): readonly string[] {
  return catalogue.models.flatMap((model) => {
    const where = `${model.provider}/${model.model}`;
    const family = familyOf(model.model);
    return [
      ...(model.priceKey === null || hasPrice(book, model) ? [] : [`${where}: the price book has nothing under ${model.priceKey}`]),
      ...(family?.name === (model.family || undefined) && family?.tokenizer === (model.tokenizer || undefined)
        ? []
        : [
            `${where}: is counted as ${family === undefined ? 'no family' : `${family.name} by ${family.tokenizer}`}, not as ${model.family || 'no family'}`,
          ]),
    ];
  });
}

function hasPrice(book: PriceBook, { provider, priceKey }: CatalogueModel): boolean {
  return priceKey !== null && (book.pricesOf(provider, priceKey)?.entries.length ?? 0) > 0;
}

function numberText(value: number | null): string {
  return value === null ? NONE : value.toLocaleString('en-US');
}

function dayText(ms: number | null): string {
  return ms === null ? NONE : new Date(ms).toISOString().slice(0, 10);
}

function listText(values: readonly string[]): string {
  return values.length === 0 ? NONE : values.join(', ');
}
