/** Documents as tables for people: the columns of each kind, and one for documents of all kinds. */
import type { ControlKind, DocumentView } from '@tokenledger/control';
import { textTable } from './text-table.ts';

interface Column {
  readonly name: string;
  readonly of: (view: DocumentView) => string;
}

const field = (name: string, title = name): Column => ({ name: title.toUpperCase(), of: ({ document }) => shown(document[name]) });

const BY_KIND: Readonly<Record<ControlKind, readonly Column[]>> = {
  key_hash_secret: [field('generation'), field('created_at')],
  tenant: [field('name')],
  project: [field('tenant'), field('name')],
  owner: [field('tenant'), field('name'), field('team'), field('email')],
  virtual_key: [
    field('tenant'),
    field('project'),
    field('owner'),
    field('class'),
    { name: 'STATE', of: (view) => keyState(view) },
    { name: 'SECRETS', of: ({ key }) => String(key?.secrets.length ?? 0) },
  ],
  channel: [field('provider'), field('surfaces'), field('base_url', 'base url'), field('credential'), field('region'), field('priority')],
  route: [
    field('models'),
    field('task_types', 'task types'),
    { name: 'CHANNELS', of: ({ document }) => routeChannels(document['channels']) },
    field('priority'),
    field('attempts_max', 'attempts'),
  ],
  price_book: [
    ...(['number', 'author', 'at', 'note'] as const).map((name) => ({
      name: name.toUpperCase(),
      of: ({ document }: DocumentView) => aboutOf(document['about'], name),
    })),
    { name: 'CHARACTERS', of: ({ document }) => shown(document['characters'] ?? shown(document['text']).length) },
  ],
  price_book_activation: [field('price_book', 'price book'), field('activates_at', 'activates at')],
  contract: [
    field('provider'),
    field('channels'),
    field('effective_from', 'from'),
    field('effective_to', 'to'),
    field('activates_at', 'activates at'),
    field('discounts'),
  ],
  rate_card: [
    field('tenant'),
    field('effective_from', 'from'),
    field('effective_to', 'to'),
    field('activates_at', 'activates at'),
    field('basis'),
    field('markup'),
    field('currency'),
  ],
  fx_rate: [
    field('currency'),
    field('per_usd', 'per usd'),
    field('effective_from', 'from'),
    field('activates_at', 'activates at'),
    field('source'),
  ],
  closed_period: [field('tenant'), field('from'), field('to'), field('note')],
};

function aboutOf(about: unknown, name: string): string {
  return typeof about === 'object' && about !== null ? shown(Reflect.get(about, name)) : '';
}

const LAST: readonly Column[] = [
  { name: 'VERSION', of: ({ version }) => String(version) },
  { name: 'MANAGED BY', of: ({ managed_by: by }) => by },
  { name: 'CHANGED', of: ({ changed_at: at }) => at },
  { name: 'BY', of: ({ changed_by: by }) => by },
];

/** With `kind`, its own columns. */
export function documentTable(views: readonly DocumentView[], kind: ControlKind | undefined): string {
  const columns: readonly Column[] = [
    ...(kind === undefined ? [{ name: 'KIND', of: (view: DocumentView) => view.kind }] : []),
    { name: 'ID', of: ({ id }) => id },
    ...(kind === undefined ? [] : BY_KIND[kind]),
    ...LAST,
  ];
  return textTable(
    columns.map(({ name }) => name),
    views.map((view) => columns.map(({ of }) => of(view))),
  );
}

/** In force, revoked, or without a secret. */
export function keyState({ key }: DocumentView): string {
  if (key === null) return '';
  if (key.revoked) return 'revoked';
  return key.secrets.length === 0 ? 'no secret' : 'in force';
}

/** In their order, with their weights: `a:3,b:1,c`. */
function routeChannels(channels: unknown): string {
  if (!Array.isArray(channels)) return '';
  const places: readonly { readonly channel?: unknown; readonly weight?: unknown }[] = channels;
  return places.map(({ channel, weight }) => (weight === undefined ? shown(channel) : `${shown(channel)}:${shown(weight)}`)).join(',');
}

export function shown(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.map((each) => shown(each)).join(',');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
