/** One recorded exchange, as its file keeps it, with the usage that must be read from it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Inclusive totals and their parts; null or absent: not told. */
export interface ExpectedUsage {
  readonly model: string | null;
  readonly model_requested: string | null;
  readonly service_tier?: string | null;
  readonly usage_present: boolean;
  readonly input_tokens?: number | null;
  readonly output_tokens?: number | null;
  readonly cached_input_tokens?: number | null;
  readonly cache_write_tokens?: number | null;
  readonly cache_write_5m_tokens?: number | null;
  readonly cache_write_1h_tokens?: number | null;
  readonly reasoning_tokens?: number | null;
  readonly audio_in?: number | null;
  readonly audio_out?: number | null;
  readonly image_in?: number | null;
  readonly image_out?: number | null;
  readonly web_search_requests?: number | null;
  /** The provider's own object. */
  readonly usage_raw?: unknown;
}

export interface Recording {
  readonly id: string;
  /** That it was read from, without its folder. */
  readonly file: string;
  readonly provider: string;
  readonly host: string;
  readonly kind: string;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly requestHeaders: Readonly<Record<string, string>>;
  /** `''` where the request had none. */
  readonly requestBody: string;
  readonly status: number;
  readonly responseHeaders: Readonly<Record<string, string>>;
  readonly contentType: string;
  /** `''` or e.g. `gzip`: how the body was encoded on the wire; `responseBody` and `responseBytes` are decoded. */
  readonly contentEncoding: string;
  /** Base64 where the answer is no text. */
  readonly responseBody: string;
  readonly responseBytes: Buffer;
  readonly streaming: boolean;
  /** Whether the answer is an error, in its body or as its status. */
  readonly isError: boolean;
  readonly expected: ExpectedUsage;
}

interface RecordedLine {
  readonly id: string;
  readonly provider: string;
  readonly host: string;
  readonly kind: string;
  readonly method: string;
  readonly path: string;
  readonly request_headers: Readonly<Record<string, string>>;
  readonly request_body: string | null;
  readonly status: number;
  readonly response_headers: Readonly<Record<string, string>>;
  readonly response_body: string;
  readonly body_base64: boolean;
  readonly streaming: boolean;
  readonly error: string | null;
  readonly expected: ExpectedUsage;
}

const EXTENSION = '.jsonl';
const FIRST_ERROR_STATUS = 400;

/** Every file of a folder, by name. */
export function readRecordingFolder(folder: string): readonly Recording[] {
  const files = readdirSync(folder).filter((name) => name.endsWith(EXTENSION));
  return files.sort().flatMap((file) => readRecordings(folder, file));
}

/** Throws where a line is no JSON, naming it. */
export function readRecordings(folder: string, file: string): readonly Recording[] {
  const lines = readFileSync(join(folder, file), 'utf8').split('\n');
  return lines.flatMap((line, index) => (line === '' ? [] : [recordingOf(file, parsed(line, file, index + 1))]));
}

function parsed(text: string, file: string, line: number): RecordedLine {
  try {
    return JSON.parse(text) as RecordedLine;
  } catch (cause) {
    throw new Error(`line ${line} of ${file} is no recording`, { cause });
  }
}

function recordingOf(file: string, line: RecordedLine): Recording {
  return {
    id: line.id,
    file,
    provider: line.provider,
    host: line.host,
    kind: line.kind,
    method: line.method,
    path: line.path,
    requestHeaders: line.request_headers,
    requestBody: line.request_body ?? '',
    status: line.status,
    responseHeaders: line.response_headers,
    contentType: line.response_headers['content-type'] ?? '',
    contentEncoding: line.response_headers['content-encoding'] ?? '',
    responseBody: line.response_body,
    responseBytes: Buffer.from(line.response_body, line.body_base64 ? 'base64' : 'utf8'),
    streaming: line.streaming,
    isError: line.error !== null || line.status >= FIRST_ERROR_STATUS,
    expected: line.expected,
  };
}
