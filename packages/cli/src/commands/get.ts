/** `tokenledger get`: documents as they are now. */
import { type DocumentView, documentViewSchema } from '@tokenledger/control';
import { Command, Option } from 'commander';
import { stringify } from 'yaml';
import { registryOf, withRegistry } from '../registry/connection.ts';
import { documentTable } from '../registry/document-tables.ts';
import { parseKind } from '../registry/kinds.ts';
import { allDocuments } from '../registry/pages.ts';

type Format = 'table' | 'json' | 'yaml';

interface GetOptions {
  readonly format: Format;
  readonly tenant?: string;
}

export function getCommand(): Command {
  const command = new Command('get')
    .description('Show documents: all, those of a kind, or one.')
    .argument(
      '[kind]',
      'tenant, project, owner, virtual_key, channel, price_book, price_book_activation, contract, rate_card, fx_rate, closed_period or key_hash_secret; plural is fine',
    )
    .argument('[id]', 'the id of one document')
    .option('--tenant <id>', 'only what belongs to this tenant')
    .addOption(
      new Option('--format <name>', 'table, json (with versions and who changed it last) or yaml (as `apply` takes it)')
        .choices(['table', 'json', 'yaml'])
        .default('table'),
    )
    .action(async (kindText: string | undefined, id: string | undefined, options: GetOptions) => {
      const kind = kindText === undefined ? undefined : parseKind(kindText);
      const registry = registryOf(command);
      const views =
        id === undefined
          ? await allDocuments(registry, { kind, tenant: options.tenant })
          : [await registry.get(`/v1/documents/${kind}/${encodeURIComponent(id)}`, {}, documentViewSchema)];
      console.log(formatted(views, options.format, kind));
    });
  return withRegistry(
    command,
    ['tokenledger get virtual_keys --tenant acme', 'the keys of a tenant'],
    ['tokenledger get channel openai --format yaml', 'one channel, to edit and apply again'],
  );
}

function formatted(views: readonly DocumentView[], format: Format, kind: DocumentView['kind'] | undefined): string {
  switch (format) {
    case 'table':
      return documentTable(views, kind);
    case 'json':
      return JSON.stringify(views, null, 2);
    case 'yaml':
      return stringify(
        views.filter(canBeApplied).map(({ document }) => document),
        YAML_STYLE,
      ).trimEnd();
  }
}

/** A price book is shown line by line, as it was written. */
const YAML_STYLE = { lineWidth: 0, blockQuote: 'literal' } as const;

/** The registry itself makes those of the hash secret. */
function canBeApplied({ kind }: DocumentView): boolean {
  return kind !== 'key_hash_secret';
}
