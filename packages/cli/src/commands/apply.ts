/** `tokenledger apply`: documents from files, all of them or none. */
import { type ChangeAnswer, changeAnswerSchema } from '@tokenledger/control';
import { AppError } from '@tokenledger/domain';
import { Command } from 'commander';
import { RegistryRefusal } from '../registry/client.ts';
import { registryOf, withRegistry } from '../registry/connection.ts';
import { diffLines } from '../registry/document-diff.ts';
import { readDocumentFiles, type WrittenDocument } from '../registry/document-files.ts';

interface ApplyOptions {
  readonly file: readonly string[];
  readonly dryRun: boolean;
  readonly note: string;
}

export function applyCommand(): Command {
  const command = new Command('apply')
    .description('Create or change documents from files: all of them take effect together, or none does. Prints what changes.')
    .requiredOption('-f, --file <files...>', 'YAML or JSON files; - is standard input')
    .option('--dry-run', 'say what would change, and change nothing', false)
    .option('--note <text>', 'why, for the audit', '')
    .addHelpText(
      'after',
      [
        '',
        'A file holds documents as a config file has them (tenants:, projects:, owners:, virtual_keys:, channels:, price_books:,',
        'price_book_activations:, contracts:, rate_cards:, fx_rates:, closed_periods:, also below documents:), a list of documents with their kind,',
        'or several of these with --- between them. Prices may be given as file: FILE, beside the file that names it.',
        'A virtual key gets its secret by `tokenledger keys create` or `keys rotate`, never from a file.',
      ].join('\n'),
    )
    .action(async (options: ApplyOptions) => {
      const written = await readDocumentFiles(options.file);
      if (written.length === 0) throw new AppError('DOCUMENT_FILE_INVALID', `${options.file.join(', ')}: there is no document in it`);
      const request = { documents: written.map(({ document }) => document), dry_run: options.dryRun, note: options.note };
      try {
        const answer = await registryOf(command).post('/v1/apply', request, changeAnswerSchema);
        for (const line of changeLines(answer)) console.log(line);
      } catch (error) {
        throw error instanceof RegistryRefusal ? withPlaces(error, written) : error;
      }
    });
  return withRegistry(
    command,
    ['tokenledger apply -f acme.yaml --dry-run', 'what would change'],
    ['tokenledger apply -f acme.yaml channels.yaml --note "second region"', 'both files in one change'],
  );
}

/** The differences, and a line that counts them. */
export function changeLines(answer: ChangeAnswer): readonly string[] {
  const lines = answer.results.flatMap(diffLines);
  const counts = Map.groupBy(answer.results, ({ action }) => action);
  const counted = Array.from(counts, ([action, results]) => `${results.length} ${PAST[action]}`).join(', ');
  const ending = answer.dry_run ? ' (dry run: nothing was changed)' : answer.change_id === null ? '' : ` (change ${answer.change_id})`;
  return [...lines, `${counted}${ending}`];
}

const PAST = { create: 'created', update: 'updated', unchanged: 'unchanged', delete: 'deleted' } as const;

const POSITION = /^documents\[(\d+)\]\.?/;

/** `documents[3].tenant` as the file, line and document that people wrote. */
export function withPlaces(refusal: RegistryRefusal, written: readonly WrittenDocument[]): RegistryRefusal {
  const issues = refusal.issues.map((issue) => {
    const found = written[Number(POSITION.exec(issue.path)?.[1] ?? Number.NaN)];
    if (found === undefined) return issue;
    const { kind, id } = found.document;
    const name = typeof id === 'string' ? `${String(kind)}/${id}` : String(kind);
    return { ...issue, path: `${found.place} ${name} ${issue.path.replace(POSITION, '')}`.trimEnd() };
  });
  return new RegistryRefusal({ code: refusal.code, message: refusal.message, issues });
}
