/** `tokenledger delete`: takes one document away. */
import { changeAnswerSchema } from '@tokenledger/control';
import { Command } from 'commander';
import { registryOf, withRegistry } from '../registry/connection.ts';
import { parseKind } from '../registry/kinds.ts';
import { changeLines } from './apply.ts';

interface DeleteOptions {
  readonly dryRun: boolean;
  readonly note: string;
  readonly expectedVersion?: string;
}

export function deleteCommand(): Command {
  const command = new Command('delete')
    .description('Delete a document. One that others name is kept: delete those first.')
    .argument(
      '<kind>',
      'tenant, project, owner, virtual_key, channel, price_book, price_book_activation, contract, rate_card, fx_rate or closed_period',
    )
    .argument('<id>', 'its id')
    .option('--dry-run', 'say what would go, and change nothing', false)
    .option('--expected-version <n>', 'only if it still has this version')
    .option('--note <text>', 'why, for the audit', '')
    .action(async (kindText: string, id: string, options: DeleteOptions) => {
      const path = `/v1/documents/${parseKind(kindText)}/${encodeURIComponent(id)}`;
      const query = {
        expected_version: options.expectedVersion,
        ...(options.dryRun ? { dry_run: true } : {}),
        ...(options.note === '' ? {} : { note: options.note }),
      };
      const answer = await registryOf(command).delete(path, query, changeAnswerSchema);
      for (const line of changeLines(answer)) console.log(line);
    });
  return withRegistry(command, ['tokenledger delete channel openai-eu', 'requests that use it end as they began']);
}
