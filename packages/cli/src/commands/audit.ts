/** `tokenledger audit`: who changed what, when, and why. */
import { auditPageSchema, type AuditPage } from '@tokenledger/control';
import { Command, InvalidArgumentError } from 'commander';
import { registryOf, withRegistry } from '../registry/connection.ts';
import { diffLines } from '../registry/document-diff.ts';
import { parseKind } from '../registry/kinds.ts';
import { textTable } from '../registry/text-table.ts';

type AuditRecord = AuditPage['records'][number];

interface AuditOptions {
  readonly kind?: string;
  readonly id?: string;
  readonly limit: number;
  readonly diff: boolean;
  readonly json: boolean;
}

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 10_000;
const PAGE_MAX = 1_000;

export function auditCommand(): Command {
  const command = new Command('audit')
    .description('List changes of documents, newest first. All of them are in the table audit_log as well.')
    .option('--kind <kind>', 'only of this kind')
    .option('--id <id>', 'only of the document with this id')
    .option('--limit <n>', `most changes to show, up to ${LIMIT_MAX}`, parseLimit, LIMIT_DEFAULT)
    .option('--diff', 'with what was before and after', false)
    .option('--json', 'one JSON object for each change', false)
    .action(async (options: AuditOptions) => {
      const query = { kind: options.kind === undefined ? undefined : parseKind(options.kind), id: options.id };
      const records: AuditRecord[] = [];
      let cursor: string | undefined;
      do {
        const limit = Math.min(PAGE_MAX, options.limit - records.length);
        const page = await registryOf(command).get('/v1/audit', { ...query, limit, cursor }, auditPageSchema);
        records.push(...page.records);
        cursor = page.next_cursor ?? undefined;
      } while (cursor !== undefined && records.length < options.limit);
      console.log(formatted(records, options));
    });
  return withRegistry(
    command,
    ['tokenledger audit --kind virtual_key --id support-bot --diff', 'what became of one key'],
    ['tokenledger sql "SELECT changed_at, changed_by, action, id FROM audit_log ORDER BY changed_at DESC"', 'the same in SQL'],
  );
}

function formatted(records: readonly AuditRecord[], options: AuditOptions): string {
  if (options.json) return records.map((record) => JSON.stringify(record)).join('\n');
  return options.diff ? records.flatMap(auditDiff).join('\n') : auditTable(records);
}

export function auditTable(records: readonly AuditRecord[]): string {
  return textTable(
    ['WHEN', 'WHO', 'ACTION', 'DOCUMENT', 'VERSION', 'NOTE'],
    records.map((record) => [
      record.changed_at,
      record.changed_by,
      record.action,
      `${record.kind}/${record.id}`,
      `${record.version_before} → ${record.version_after}`,
      record.note,
    ]),
  );
}

function auditDiff(record: AuditRecord): readonly string[] {
  const action = record.after === null ? 'delete' : record.before === null ? 'create' : 'update';
  const [, ...changes] = diffLines({ ...record, action });
  const note = record.note === '' ? '' : `  "${record.note}"`;
  return [`${record.changed_at}  ${record.changed_by}  ${record.action}  ${record.kind}/${record.id}${note}`, ...changes];
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (/^[1-9]\d*$/.test(text) && limit <= LIMIT_MAX) return limit;
  throw new InvalidArgumentError(`A limit is a whole number from 1 to ${LIMIT_MAX}.`);
}
