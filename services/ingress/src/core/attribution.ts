/** Who a request is for: the virtual key's values, completed by the request's `x-tokenledger-*` headers. Fixed values of the key win. */
import { type Attribution, rejected, type Rejected } from '@tokenledger/domain';

export const ATTRIBUTION_PREFIX = 'x-tokenledger-';

const ATTRIBUTION_VALUE_LENGTH_MAX = 128;
const LABELS_MAX = 16;
const LABEL_NAME_LENGTH_MAX = 64;

type TextField = Exclude<
  keyof Attribution,
  'labels' | 'settlementKind' | 'tenantId' | 'ownerId' | 'team' | 'virtualKeyId' | 'settlementId'
>;

/** Header suffix → field. */
const FIELDS: ReadonlyMap<string, TextField> = new Map<string, TextField>([
  ['project', 'projectId'],
  ['application', 'application'],
  ['application-version', 'applicationVersion'],
  ['feature', 'feature'],
  ['workflow', 'workflowId'],
  ['task', 'taskType'],
  ['task-id', 'taskId'],
  ['conversation', 'conversationId'],
  ['user', 'userId'],
  ['environment', 'environment'],
  ['prompt-version', 'promptVersion'],
  ['mcp-server', 'mcpServer'],
]);

const LABELS = 'labels';
/** Of the request, not of whom it is for: how long it may be tried, in milliseconds. */
const TIMEOUT = 'timeout-ms';
const TIMEOUT_MS_MAX = 3_600_000;
/** The label of this name, in a header of its own: how sensitive the client says that its request is. */
const SENSITIVITY = 'sensitivity';
/** Names of all attribution headers, for messages and docs. */
export const ATTRIBUTION_HEADERS: readonly string[] = [...FIELDS.keys(), SENSITIVITY, LABELS, TIMEOUT].map(
  (suffix) => ATTRIBUTION_PREFIX + suffix,
);

const LABEL_NAME = /^[A-Za-z][A-Za-z0-9_.-]*$/;
// oxlint-disable-next-line no-control-regex -- control characters are what is being refused
const CONTROL = /[\u0000-\u001f\u007f]/;
const UTF8 = new TextDecoder('utf-8', { fatal: true });

export interface AttributionKey {
  readonly attribution: Attribution;
  readonly fixed: ReadonlySet<keyof Attribution>;
  readonly projects: ReadonlySet<string>;
}

/** `headers`: flat pairs of lower-case name and value as Node gives them (latin1). Rejects `ATTRIBUTION_INVALID`. */
export function readAttribution(key: AttributionKey, headers: readonly string[]): Attribution | Rejected {
  if (headers.length === 0) return key.attribution;
  const found: { -readonly [Field in TextField]?: string } & { labels?: Readonly<Record<string, string>> } = {};
  let sensitivity: Readonly<Record<string, string>> | undefined;
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    const suffix = name.slice(ATTRIBUTION_PREFIX.length);
    const value = decodeValue(headers[index + 1] as string);
    if (value === undefined) return invalid(`${name} must be UTF-8 text without control characters`);
    if (suffix === LABELS) {
      const labels = readLabels(value);
      if ('kind' in labels && labels.kind === 'rejected') return labels as Rejected;
      found.labels = labels as Readonly<Record<string, string>>;
      continue;
    }
    if (suffix === TIMEOUT) {
      if (timeoutMs(value) === null) return invalid(`${name} must be a whole number of milliseconds from 1 to ${TIMEOUT_MS_MAX}`);
      continue;
    }
    const field = FIELDS.get(suffix);
    if (field === undefined && suffix !== SENSITIVITY) return invalid(`${name} is not known; known are ${ATTRIBUTION_HEADERS.join(', ')}`);
    if (value.length === 0 || value.length > ATTRIBUTION_VALUE_LENGTH_MAX)
      return invalid(`${name} must have 1 to ${ATTRIBUTION_VALUE_LENGTH_MAX} characters`);
    if (field === undefined) {
      sensitivity = { [SENSITIVITY]: value };
      continue;
    }
    if (key.fixed.has(field)) continue;
    if (field === 'projectId' && !key.projects.has(value)) return invalid(`${name}: '${value}' is not a project of this key's tenant`);
    found[field] = value;
  }
  // Labels of the key are fixed.
  if (found.labels !== undefined || sensitivity !== undefined)
    found.labels = { ...found.labels, ...sensitivity, ...key.attribution.labels };
  return { ...key.attribution, ...found };
}

/** What a client allows for its request in milliseconds; null when it does not say. `headers`: as for `readAttribution`, which found them right. */
export function timeoutAsked(headers: readonly string[]): number | null {
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index] === ATTRIBUTION_PREFIX + TIMEOUT) return timeoutMs(headers[index + 1] as string);
  }
  return null;
}

function timeoutMs(text: string): number | null {
  const value = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  return value >= 1 && value <= TIMEOUT_MS_MAX ? value : null;
}

/** `name=value` pairs separated by commas. */
function readLabels(text: string): Readonly<Record<string, string>> | Rejected {
  const labels: Record<string, string> = {};
  const pairs = text.split(',');
  if (pairs.length > LABELS_MAX) return invalid(`${ATTRIBUTION_PREFIX}${LABELS} may carry at most ${LABELS_MAX} labels`);
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    const name = pair.slice(0, equals).trim();
    const value = pair.slice(equals + 1).trim();
    if (
      equals < 1 ||
      name.length > LABEL_NAME_LENGTH_MAX ||
      !LABEL_NAME.test(name) ||
      value.length === 0 ||
      value.length > ATTRIBUTION_VALUE_LENGTH_MAX
    ) {
      return invalid(
        `${ATTRIBUTION_PREFIX}${LABELS} must be name=value pairs separated by commas: names of letters, digits, dot, dash, underscore (at most ${LABEL_NAME_LENGTH_MAX}), values of 1 to ${ATTRIBUTION_VALUE_LENGTH_MAX} characters`,
      );
    }
    labels[name] = value;
  }
  return labels;
}

function decodeValue(latin1: string): string | undefined {
  if (CONTROL.test(latin1)) return undefined;
  let ascii = true;
  for (let index = 0; index < latin1.length; index++) if (latin1.charCodeAt(index) > 0x7e) ascii = false;
  if (ascii) return latin1.trim();
  const bytes = Uint8Array.from(latin1, (character) => character.charCodeAt(0));
  try {
    return UTF8.decode(bytes).trim();
  } catch {
    return undefined; // the answer says which header is not UTF-8
  }
}

function invalid(message: string): Rejected {
  return rejected('ATTRIBUTION_INVALID', message);
}
