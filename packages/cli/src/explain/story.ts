/** The story of one request for people: who asked for what, where it went and why, every attempt with its usage and cost, the prices, and what corrected it. Pure. */
import { formatUsd, isRejected, parseUsd, USAGE_CLASSES, usageColumn } from '@tokenledger/domain';
import { textTable } from '../registry/text-table.ts';
import type { Fields, FoundEvent, StoredEvent, Value } from './stored-event.ts';

type Line = readonly [name: string, text: string];

/** Unknown is `?`, never 0; what does not apply is left out. */
export function eventStory({ event, related }: FoundEvent): string {
  const sections: readonly (readonly [title: string, body: string])[] = [
    ['', lines(headOf(event))],
    ['Whose', lines(ownerOf(event.columns))],
    ['Asked', lines(askedOf(event.columns))],
    ['Route', lines(routeOf(event.columns))],
    ['Ended', lines(endOf(event.columns))],
    ['Attempts', attemptsText(event)],
    ['Prices', pricesText(event)],
    ['Sum', lines(sumOf(event))],
    ['Related', relatedText(event, related)],
  ];
  return sections
    .filter(([, body]) => body !== '')
    .map(([title, body]) => (title === '' ? body : `${title}\n${indented(body)}`))
    .join('\n\n');
}

function headOf({ columns }: StoredEvent): readonly Line[] {
  const adjusts = text(columns['adjusts_event_id']);
  return [
    ['event', `${text(columns['event_id'])} (${text(columns['kind'])})`],
    ['adjusts', adjusts],
    ['request', columns['request_id'] === columns['event_id'] ? '' : text(columns['request_id'])],
    ['number', `${text(columns['source'])} ${text(columns['log_partition'])}/${text(columns['sequence'])}`],
    ['occurred', text(columns['occurred_at'])],
    ['recorded', text(columns['recorded_at'])],
    ['trace', text(columns['trace_id'])],
  ];
}

const OWNER_FIELDS = [
  'tenant_id',
  'project_id',
  'owner_id',
  'team',
  'user_id',
  'virtual_key_id',
  'application',
  'application_version',
  'feature',
  'environment',
  'workflow_id',
  'task_id',
  'task_type',
  'conversation_id',
  'prompt_version',
  'mcp_server',
] as const;

function ownerOf(columns: Fields): readonly Line[] {
  const settlement = text(columns['settlement_kind']) === '' ? '' : `${text(columns['settlement_kind'])} ${text(columns['settlement_id'])}`;
  const labels = Object.entries((columns['labels'] ?? {}) as Fields).map(([name, value]) => `${name}=${text(value)}`);
  return [
    ...OWNER_FIELDS.map((name): Line => [name.replace(/_id$/, '').replaceAll('_', ' '), text(columns[name])]),
    ['labels', labels.join(', ')],
    ['settlement', settlement],
  ];
}

function askedOf(columns: Fields): readonly Line[] {
  return [
    ['api', `${text(columns['surface'])}${columns['streamed'] === true ? ', streamed' : ''}`],
    ['model', text(columns['requested_model']) || 'none named'],
    ['request bytes', quantity(columns['request_bytes'])],
    ['prompt hash', text(columns['prompt_fingerprint'])],
    ['last tool hash', text(columns['last_tool_fingerprint'])],
  ];
}

function routeOf(columns: Fields): readonly Line[] {
  const channel = text(columns['channel_id']);
  if (channel === '' && text(columns['route_type']) === '') return [['', 'nothing was forwarded']];
  const at = [text(columns['provider']), text(columns['region'])].filter((part) => part !== '').join(', ');
  return [
    ['type', text(columns['route_type'])],
    ['reason', text(columns['route_reason'])],
    ['channel', channel === '' ? '' : `${channel} (${at})`],
    ['served model', text(columns['served_model'])],
    ['service tier', text(columns['service_tier'])],
  ];
}

function endOf(columns: Fields): readonly Line[] {
  const status = columns['http_status'];
  const answered = status === null || status === undefined ? 'the client got no status' : `answered with ${text(status)}`;
  return [
    ['outcome', `${text(columns['outcome'])}, ${answered}`],
    ['error', text(columns['error_class'])],
    ['finish', text(columns['finish_reason'])],
    ['provider id', text(columns['upstream_request_id'])],
    ['added by us', milliseconds(columns['overhead_us'], 'µs')],
    ['first byte', milliseconds(columns['time_to_first_byte_ms'], 'ms')],
    ['first token', milliseconds(columns['time_to_first_token_ms'], 'ms')],
    ['complete', milliseconds(columns['duration_ms'], 'ms')],
    ['answer bytes', columns['response_bytes'] === null ? '' : quantity(columns['response_bytes'])],
  ];
}

function attemptsText({ columns, nested: { attempts = [] } }: StoredEvent): string {
  if (attempts.length === 0) return '';
  const occurredAt = Date.parse(text(columns['occurred_at']));
  const calls = textTable(
    ['#', 'CHANNEL', 'PROVIDER', 'MODEL', 'STATUS', 'ERROR', 'BEGAN', 'FIRST BYTE', 'ENDED', 'USAGE', 'COST USD'],
    attempts.map((attempt, index) => {
      const served = text(attempt['served_model']);
      const since = (field: string): string => {
        const at = Date.parse(text(attempt[field]));
        return Number.isNaN(at) ? '?' : `+${at - occurredAt} ms`;
      };
      return [
        String(index + 1),
        text(attempt['channel_id']),
        text(attempt['provider']),
        served || text(attempt['requested_model']),
        text(attempt['http_status']),
        text(attempt['error_class']),
        since('started_at'),
        milliseconds(attempt['time_to_first_byte_ms'], 'ms'),
        since('completed_at'),
        text(attempt['usage_source']),
        cost(attempt),
      ];
    }),
  );
  const usages = attempts.map((attempt, index) => `${index + 1}: ${usageText(attempt)}`);
  return [calls, ...usages].join('\n');
}

function usageText(attempt: Fields): string {
  const reason = text(attempt['usage_reason']);
  const known = USAGE_CLASSES.map((name) => ({ name, quantity: text(attempt[usageColumn(name)]) }))
    .filter(({ quantity }) => quantity !== '' && quantity !== '0')
    .map(({ name, quantity }) => `${name} ${quantity}`);
  const contract = text(attempt['contract']);
  const candidates = ((attempt['price_candidates'] ?? []) as readonly Value[]).map(text);
  const notes = [
    ...(contract === '' ? [] : [`contract ${contract}`]),
    ...(candidates.length === 0 ? [] : [`no price; near it: ${candidates.join(' ')}`]),
    ...(attempt['usage_flags'] as readonly Value[]).map(text),
    ...(text(attempt['usage_basis']) === '' ? [] : [`estimated from ${text(attempt['usage_basis'])}`]),
  ];
  const usage = reason === '' ? known.join(', ') || 'no tokens' : `usage unknown: ${reason}`;
  return notes.length === 0 ? usage : `${usage} (${notes.join(', ')})`;
}

function pricesText({ columns, nested: { line_items: lineItems = [] } }: StoredEvent): string {
  const book = lines([['price book', text(columns['price_version'])]]);
  if (lineItems.length === 0) return columns['unpriced_reason'] === 'not_forwarded' ? '' : book;
  const table = textTable(
    ['ATTEMPT', 'CLASS', 'QUANTITY', 'PRICE USD', 'FOR', 'FACTOR', 'AMOUNT USD', 'PART OF', 'ENTRY'],
    lineItems.map((item) => [
      text(item['attempt']),
      text(item['usage_class']),
      text(item['quantity']),
      text(item['unit_price_usd']),
      text(item['per_units']),
      text(item['factor']),
      text(item['amount_usd']),
      text(item['part_of']),
      text(item['entry_id']),
    ]),
  );
  return `${book}\n${table}`;
}

function sumOf({ columns, nested: { avoided = [] } }: StoredEvent): readonly Line[] {
  const isForwarded = columns['usage_reason'] !== NOT_FORWARDED;
  const counted = text(columns['counted_reason']) === '' && text(columns['counted_tokenizer']) !== '';
  return [
    ['input tokens', isForwarded ? quantity(columns['input_tokens']) : ''],
    ['output tokens', isForwarded ? quantity(columns['output_tokens']) : ''],
    [
      'usage',
      !isForwarded
        ? NONE
        : text(columns['usage_reason']) === ''
          ? text(columns['usage_source'])
          : `unknown: ${text(columns['usage_reason'])}`,
    ],
    ['usage flags', ((columns['usage_flags'] ?? []) as readonly Value[]).map(text).join(', ')],
    ['list cost', amount(columns, 'list_cost_usd', 'list_unpriced_reason')],
    ['cost', amount(columns, 'cost_usd', 'unpriced_reason')],
    ['billable', amount(columns, 'billable_usd', 'billable_unpriced_reason')],
    ['rate card', text(columns['rate_card'])],
    ['charged', charged(columns)],
    ['saved', columns['saved_usd'] === null ? '' : `${text(columns['saved_usd'])} USD`],
    ['avoided', usedText(avoided)],
    [
      'counted here',
      counted
        ? `${quantity(columns['counted_input_tokens'])} in, ${quantity(columns['counted_output_tokens'])} out (${text(columns['counted_tokenizer'])}, ${text(columns['counted_method'])})`
        : text(columns['counted_reason']) && `not: ${text(columns['counted_reason'])}`,
    ],
  ];
}

function relatedText({ columns }: StoredEvent, related: readonly StoredEvent[]): string {
  if (related.length === 0) return '';
  const table = textTable(
    ['KIND', 'EVENT', 'RECORDED', 'INPUT TOKENS', 'OUTPUT TOKENS', 'COST USD', 'PRICE BOOK'],
    related.map((row) => [
      text(row.columns['kind']),
      text(row.columns['event_id']),
      text(row.columns['recorded_at']),
      quantity(row.columns['input_tokens']),
      quantity(row.columns['output_tokens']),
      cost(row.columns),
      text(row.columns['price_version']),
    ]),
  );
  return `${table}\n${lines([['cost with these', `${totalCost([columns, ...related.map((row) => row.columns)])} USD`]])}`;
}

/** Of the rows whose cost is known; `?` where none is. */
function totalCost(rows: readonly Fields[]): string {
  let total: bigint | null = null;
  for (const row of rows) {
    if (row['cost_usd'] === null) continue;
    const amount = parseUsd(text(row['cost_usd']));
    if (!isRejected(amount)) total = (total ?? 0n) + amount;
  }
  return total === null ? '?' : formatUsd(total);
}

const NOT_FORWARDED = 'not_forwarded';
const NONE = 'none, nothing was forwarded';

function usedText(classes: readonly Fields[]): string {
  return classes
    .filter(({ quantity: used }) => text(used) !== '0')
    .map((item) => `${text(item['usage_class'])} ${text(item['quantity'])}`)
    .join(', ');
}

/** In USD. What was agreed is left out where nothing was. */
function amount(columns: Fields, column: string, reason: string): string {
  const isCost = column === 'cost_usd';
  if (!isCost && columns[column] === columns['cost_usd']) return '';
  if (columns[column] === null && columns[reason] === NOT_FORWARDED) return NONE;
  return columns[column] === null ? `? (${text(columns[reason])})` : `${text(columns[column])} USD`;
}

/** What the tenant pays in a currency of its own. */
function charged(columns: Fields): string {
  const currency = text(columns['currency']);
  if (currency === '' || currency === 'USD') return '';
  const rate =
    columns['fx_rate'] === null ? 'no rate of exchange' : `${text(columns['fx_rate'])} for 1 USD, ${text(columns['fx_rate_id'])}`;
  return `${quantity(columns['billable_amount'])} ${currency} (${rate})`;
}

function cost(fields: Fields): string {
  return fields['cost_usd'] === null ? `? (${text(fields['unpriced_reason'])})` : text(fields['cost_usd']);
}

function quantity(value: Value | undefined): string {
  return value === null || value === undefined ? '?' : text(value);
}

function milliseconds(value: Value | undefined, unit: 'ms' | 'µs'): string {
  return value === null || value === undefined ? '' : `${text(value)} ${unit}`;
}

function text(value: Value | undefined): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

const NAME_WIDTH = 20;

/** Without those that say nothing. A line break in a value must not look like two lines. */
function lines(all: readonly Line[]): string {
  return all
    .filter(([, value]) => value !== '')
    .map(([name, value]) => (name === '' ? value : `${`${name}:`.padEnd(NAME_WIDTH)}${value.replaceAll(/\s+/g, ' ')}`))
    .join('\n');
}

function indented(body: string): string {
  return body.replaceAll(/^/gm, '  ');
}
