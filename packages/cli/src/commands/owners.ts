/** `tokenledger owners`: who answers for which keys. */
import type { DocumentView } from '@tokenledger/control';
import { Command } from 'commander';
import { registryOf, withRegistry } from '../registry/connection.ts';
import { keyState, shown } from '../registry/document-tables.ts';
import { allDocuments } from '../registry/pages.ts';
import { textTable } from '../registry/text-table.ts';

export function ownersCommand(): Command {
  const command = new Command('owners')
    .description('List owners with the keys that they answer for.')
    .option('--tenant <id>', 'only those of this tenant')
    .action(async (options: { readonly tenant?: string }) => {
      const registry = registryOf(command);
      const owners = await allDocuments(registry, { kind: 'owner', tenant: options.tenant });
      const keys = await allDocuments(registry, { kind: 'virtual_key', tenant: options.tenant });
      console.log(ownerTable(owners, keys));
    });
  return withRegistry(command, ['tokenledger owners --tenant acme', 'whom to ask about which key']);
}

/** A key that is not in force says so. */
export function ownerTable(owners: readonly DocumentView[], keys: readonly DocumentView[]): string {
  const byOwner = Map.groupBy(keys, ({ document }) => String(document['owner']));
  const rows = owners.map(({ id, document }) => [
    id,
    ...['tenant', 'name', 'team', 'email'].map((name) => shown(document[name])),
    (byOwner.get(id) ?? []).map(keyText).join(', '),
  ]);
  return textTable(['OWNER', 'TENANT', 'NAME', 'TEAM', 'EMAIL', 'KEYS'], rows);
}

function keyText(view: DocumentView): string {
  const state = keyState(view);
  return state === 'in force' ? view.id : `${view.id} (${state})`;
}
