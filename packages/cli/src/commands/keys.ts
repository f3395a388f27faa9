/** `tokenledger keys`: virtual keys and their secrets. A secret is printed once, when it is made. */
import { changeAnswerSchema, KEY_CLASS_NAMES, type KeyAnswer, keyAnswerSchema } from '@tokenledger/control';
import { AppError } from '@tokenledger/domain';
import { Command, Option } from 'commander';
import { registryOf, withRegistry } from '../registry/connection.ts';
import { documentTable } from '../registry/document-tables.ts';
import { parseDuration } from '../registry/duration.ts';
import { allDocuments } from '../registry/pages.ts';
import { changeLines } from './apply.ts';

export function keysCommand(): Command {
  return new Command('keys')
    .description('Create, list, rotate and revoke virtual keys.')
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(rotateCommand())
    .addCommand(revokeCommand());
}

interface CreateOptions {
  readonly tenant: string;
  readonly owner: string;
  readonly project?: string;
  readonly class: string;
  readonly settlement?: string;
  readonly fixed: readonly string[];
  readonly allowModel?: readonly string[];
  readonly denyModel?: readonly string[];
  readonly tier?: readonly string[];
  readonly responseCache?: number;
  readonly expiresIn?: number;
  readonly note: string;
  readonly json: boolean;
}

const noteOption = (): Option => new Option('--note <text>', 'why, for the audit').default('');
const jsonOption = (): Option => new Option('--json', 'the answer as JSON, the secret in it').default(false);
const expiresOption = (): Option =>
  new Option('--expires-in <duration>', 'the secret stops working after this, e.g. 90d').argParser(parseDuration);

function createCommand(): Command {
  const command = new Command('create')
    .description('Create a virtual key and print its secret: once, since only a keyed hash of it is kept.')
    .argument('[id]', 'its id; made up when left out')
    .requiredOption('--tenant <id>', 'who pays')
    .requiredOption('--owner <id>', 'who answers for it')
    .option('--project <id>', 'what it is for; without it a request names one of the projects of its tenant')
    .addOption(new Option('--class <name>', 'what kind of use it is for').choices(KEY_CLASS_NAMES).default('production'))
    .option('--settlement <kind:id>', 'the balance that pays: credits:ID, wallet:ID or cost_center:ID')
    .option('--fixed <name=value...>', 'values that win over headers of a request, e.g. application=bot environment=production', [])
    .option('--allow-model <pattern...>', 'the only models that it may ask for; * stands for any characters')
    .option('--deny-model <pattern...>', 'models that it may not ask for')
    .option('--tier <name...>', 'the only tiers whose channels its requests may go to')
    .addOption(
      new Option('--response-cache <duration>', 'answers may come from the response cache, at most so old, e.g. 10m').argParser(
        parseDuration,
      ),
    )
    .addOption(expiresOption())
    .addOption(noteOption())
    .addOption(jsonOption())
    .action(async (id: string | undefined, options: CreateOptions) => {
      const request = {
        ...(id === undefined ? {} : { id }),
        tenant: options.tenant,
        owner: options.owner,
        ...(options.project === undefined ? {} : { project: options.project }),
        class: options.class,
        ...(options.settlement === undefined ? {} : { settlement: settlementOf(options.settlement) }),
        fixed: Object.fromEntries(options.fixed.map(fixedOf)),
        ...modelLists(options),
        ...(options.tier === undefined ? {} : { tiers: options.tier }),
        ...(options.responseCache === undefined ? {} : { response_cache: { ttl_s: options.responseCache } }),
        ...expiresAt(options.expiresIn),
        note: options.note,
      };
      printKey(await registryOf(command).post('/v1/keys', request, keyAnswerSchema), 'created', options.json);
    });
  return withRegistry(command, ['tokenledger keys create support-bot --tenant acme --owner ada --class production', 'prints its secret']);
}

function modelLists({ allowModel: allow, denyModel: deny }: CreateOptions) {
  if (allow === undefined && deny === undefined) return {};
  return { models: { ...(allow === undefined ? {} : { allow }), ...(deny === undefined ? {} : { deny }) } };
}

function listCommand(): Command {
  const command = new Command('list')
    .description('List virtual keys. Secrets are not kept, so none are shown.')
    .option('--tenant <id>', 'only those of this tenant')
    .action(async (options: { readonly tenant?: string }) => {
      const views = await allDocuments(registryOf(command), { kind: 'virtual_key', tenant: options.tenant });
      console.log(documentTable(views, 'virtual_key'));
    });
  return withRegistry(command, ['tokenledger keys list --tenant acme', 'with class, state and owner']);
}

interface RotateOptions {
  readonly overlap?: number;
  readonly expiresIn?: number;
  readonly note: string;
  readonly json: boolean;
}

function rotateCommand(): Command {
  const command = new Command('rotate')
    .description('Make a new secret for a key and print it, once. The old one works on for the time of the overlap.')
    .argument('<id>', 'the id of the key')
    .addOption(
      new Option('--overlap <duration>', 'how long old secrets work on, e.g. 15m, 24h; 0 ends them at once (default: 24h)').argParser(
        parseDuration,
      ),
    )
    .addOption(expiresOption())
    .addOption(noteOption())
    .addOption(jsonOption())
    .action(async (id: string, options: RotateOptions) => {
      const request = {
        ...(options.overlap === undefined ? {} : { overlap_s: options.overlap }),
        ...expiresAt(options.expiresIn),
        note: options.note,
      };
      printKey(
        await registryOf(command).post(`/v1/keys/${encodeURIComponent(id)}/rotate`, request, keyAnswerSchema),
        'rotated',
        options.json,
      );
    });
  return withRegistry(
    command,
    ['tokenledger keys rotate support-bot', 'both secrets work for a day'],
    ['tokenledger keys rotate support-bot --overlap 0', 'the old one has leaked'],
  );
}

function revokeCommand(): Command {
  const command = new Command('revoke')
    .description(
      'Revoke a key: within two seconds no ingress accepts it any more. Requests under way end as they began. There is no way back.',
    )
    .argument('<id>', 'the id of the key')
    .addOption(noteOption())
    .action(async (id: string, options: { readonly note: string }) => {
      const path = `/v1/keys/${encodeURIComponent(id)}/revoke`;
      const answer = await registryOf(command).post(path, { note: options.note }, changeAnswerSchema);
      for (const line of changeLines(answer)) console.log(line);
    });
  return withRegistry(command, ['tokenledger keys revoke support-bot --note "left the company"', 'at once']);
}

function printKey(answer: KeyAnswer, done: string, json: boolean): void {
  console.log(json ? JSON.stringify(answer, null, 2) : keyLines(answer, done, Date.now()).join('\n'));
}

/** `nowMs` tells which secrets still open the key. */
export function keyLines({ key, secret }: KeyAnswer, done: string, nowMs: number): readonly string[] {
  // The newest comes first.
  const others = (key.key?.secrets ?? []).slice(1).filter(({ expires_at: at }) => at !== null && Date.parse(at) > nowMs);
  const lastEnds = others
    .map(({ expires_at: at }) => at ?? '')
    .toSorted()
    .at(-1);
  return [
    `The key ${key.id} of tenant ${String(key.document['tenant'])} is ${done} (version ${key.version}). Its secret:`,
    '',
    `    ${secret}`,
    '',
    'It is shown this once and kept nowhere: store it now. If it is lost, rotate the key.',
    ...(lastEnds === undefined ? [] : [`Until ${lastEnds} the secret from before works as well.`]),
  ];
}

function settlementOf(text: string): { readonly kind: string; readonly id: string } {
  const colon = text.indexOf(':');
  if (colon > 0) return { kind: text.slice(0, colon), id: text.slice(colon + 1) };
  throw new AppError('USAGE', `--settlement: '${text}' has no kind: write credits:ID, wallet:ID or cost_center:ID`);
}

function fixedOf(text: string): readonly [string, string] {
  const equals = text.indexOf('=');
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)];
  throw new AppError('USAGE', `--fixed: '${text}' has no value: write name=value`);
}

function expiresAt(seconds: number | undefined): { readonly expires_at?: string } {
  return seconds === undefined ? {} : { expires_at: new Date(Date.now() + seconds * 1000).toISOString() };
}
