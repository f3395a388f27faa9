/** One recorded exchange, as its file keeps it, with the usage that must be read from it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Inclusive totals and their parts; null or absent: not told. */
export interface ExpectedUsage {
  readonly model: string | null;
  readonly model_requested: string;
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
  readonly web_search_requests?: number | null;
}

export interface Recording {
  readonly id: string;
  readonly host: string;
  readonly kind: string;
  /** With its query. */
  readonly path: string;
  readonly requestHeaders: Readonly<Record<string, string>>;
  readonly requestBody: string;
  readonly status: number;
  readonly contentType: string;
  /** `''` or e.g. `gzip`: how the body was encoded on the wire; `responseBody` is decoded. */
  readonly contentEncoding: string;
  readonly responseBody: string;
  readonly streaming: boolean;
  readonly expected: ExpectedUsage;
}

interface RecordedLine {
  readonly id: string;
  readonly host: string;
  readonly kind: string;
  readonly path: string;
  readonly request_headers: Readonly<Record<string, string>>;
  readonly request_body: string;
  readonly status: number;
  readonly response_headers: Readonly<Record<string, string>>;
  readonly response_body: string;
  readonly streaming: boolean;
  readonly expected: ExpectedUsage;
}

export function readRecordings(folder: string, file: string): readonly Recording[] {
  const lines = readFileSync(join(folder, file), 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => recordingOf(JSON.parse(line) as RecordedLine));
}

function recordingOf(line: RecordedLine): Recording {
  return {
    id: line.id,
    host: line.host,
    kind: line.kind,
    path: line.path,
    requestHeaders: line.request_headers,
    requestBody: line.request_body,
    status: line.status,
    contentType: line.response_headers['content-type'] ?? '',
    contentEncoding: line.response_headers['content-encoding'] ?? '',
    responseBody: line.response_body,
    streaming: line.streaming,
    expected: line.expected,
  };
}
