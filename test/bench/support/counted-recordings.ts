/** What recorded exchanges are to be counted as: their surface, what kind of request they are, and the tokens that the provider stated. */
import { type Endpoint, SURFACES, type Surface } from '@tokenledger/providers';
import { namesIn } from '../../conformance/support/endpoints.ts';
import { surfacesOfKind } from '../../conformance/support/kinds.ts';
import type { Recording } from '../../conformance/support/recording.ts';

/** `plain`: contents are strings, and nothing else is asked for. Media, the provider's own tools and history are what is left where no count is possible. */
export type RequestKind = 'plain' | 'parts' | 'tools' | 'calls' | 'format';

export interface CountedRecording {
  readonly recording: Recording;
  readonly surface: string;
  readonly requestedModel: string;
  readonly servedModel: string;
  readonly kind: RequestKind;
  /** All classes of input together. */
  readonly inputTokens: number | null;
  /** Without reasoning. */
  readonly outputTokens: number | null;
}

/** Undefined for an exchange without a request body or without stated usage, and for an error. */
export function countedRecording(recording: Recording): CountedRecording | undefined {
  const { expected } = recording;
  if (recording.isError || !expected.usage_present) return undefined;
  const surface = surfaceOf(recording);
  const body = parsed(recording.requestBody);
  if (surface === undefined || body === undefined) return undefined;
  const output = expected.output_tokens ?? null;
  const servedModel = expected.model ?? '';
  return {
    recording,
    surface,
    requestedModel: expected.model_requested ?? servedModel,
    servedModel,
    kind: kindOf(body),
    inputTokens: expected.input_tokens ?? null,
    outputTokens: output === null ? null : output - (expected.reasoning_tokens ?? 0),
  };
}

function surfaceOf(recording: Recording): string | undefined {
  const fits = (surface: Surface): boolean =>
    surface.endpoints.some((endpoint: Endpoint) => namesIn(endpoint, recording.path) !== undefined);
  const names = surfacesOfKind(recording.kind).filter((name) => fits(SURFACES[name]));
  return names.find((name) => SURFACES[name].provider === recording.provider) ?? names[0];
}

type Body = Readonly<Record<string, unknown>>;

function parsed(text: string): Body | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? (body as Body) : undefined;
  } catch {
    // A form, with a sound in it.
    return undefined;
  }
}

function kindOf(body: Body): RequestKind {
  const conversation = body['messages'] ?? body['input'] ?? body['contents'] ?? [];
  if (/"(tool_calls|function_call|tool_use|toolUse|functionCall)"/.test(JSON.stringify(conversation))) return 'calls';
  if (['tools', 'functions', 'toolConfig'].some((key) => isFilled(body[key]))) return 'tools';
  if (hasFormat(body)) return 'format';
  return isPlain(conversation) ? 'plain' : 'parts';
}

function isFilled(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null;
}

function hasFormat(body: Body): boolean {
  const format = body['response_format'] as Body | null | undefined;
  if (format !== undefined && format !== null && format['type'] !== 'text') return true;
  return /"(schema|response_?schema|responseSchema|responseJsonSchema|output_format)"/.test(
    JSON.stringify([body['text'], body['generationConfig'], body['output_config'], body]).slice(0, 1_000_000),
  );
}

/** Google's contents are lists of texts always. */
function isPlain(conversation: unknown): boolean {
  if (!Array.isArray(conversation)) return typeof conversation === 'string';
  return conversation.every((message: unknown) => {
    if (typeof message !== 'object' || message === null) return typeof message === 'string';
    const { content, parts } = message as { readonly content?: unknown; readonly parts?: readonly Body[] };
    return Array.isArray(parts) ? parts.every((part) => Object.keys(part).join() === 'text') : typeof content === 'string';
  });
}
