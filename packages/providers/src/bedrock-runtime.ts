/** What all operations of Amazon Bedrock's runtime share: how they are authorised, where they name the model, how they say that something is wrong. */
import type { Rejected } from '@tokenledger/domain';
import { rejected } from '@tokenledger/domain';
import { awsCredential } from './aws-credential.ts';
import { signAwsRequest } from './aws-signature.ts';
import { boundedText, isJsonObject, parseJson, textAt, type JsonObject } from './json-object.ts';
import { MODEL_CHARS_MAX } from './request-body.ts';
import type { AnswerDescription, ReadRequestOptions, Surface } from './surface.ts';

/** The name that signatures for `bedrock-runtime` endpoints bear. */
const SIGNING_SERVICE = 'bedrock';

/** Members of a surface that are the same for each. */
export const BEDROCK_RUNTIME = {
  provider: 'bedrock',
  injectionFilter: undefined,
  credentialHeaders(secret: string): Readonly<Record<string, string>> {
    const credential = awsCredential(secret);
    return credential.kind === 'api_key' ? { authorization: `Bearer ${credential.apiKey}` } : {};
  },
  sign: (secret, request) => signAwsRequest(secret, SIGNING_SERVICE, request),
  errorBody: ({ status, code, message, requestId }) =>
    JSON.stringify({ __type: exceptionName(status), message: `${message} (${code})`, requestId }),
} as const satisfies Partial<Surface>;

/** Errors of the runtime, by the status that each goes with (`Errors` of `InvokeModel` in Bedrock's API reference). */
function exceptionName(status: number): string {
  switch (status) {
    case 401:
    case 403:
      return 'AccessDeniedException';
    case 404:
      return 'ResourceNotFoundException';
    case 408:
      return 'ModelTimeoutException';
    case 424:
      return 'ModelErrorException';
    case 429:
      return 'ThrottlingException';
    case 503:
      return 'ServiceUnavailableException';
    default:
      return status >= 500 ? 'InternalServerException' : 'ValidationException';
  }
}

export interface BedrockRequest {
  readonly kind: 'request';
  /** As the path names it: an id, an inference profile, or the ARN of one, of an endpoint, of a prompt. */
  readonly model: string;
  readonly streamed: boolean;
  /** Empty when the body is not a JSON object: what it lacks is for the model to refuse. */
  readonly body: JsonObject;
}

/** Rejects `REQUEST_INVALID` when the path names no model, or one that is too long to be one. */
export function readBedrockRequest(body: Buffer, { path, endpoint }: ReadRequestOptions): BedrockRequest | Rejected {
  const model = path?.['model'] ?? '';
  if (model === '') return rejected('REQUEST_INVALID', 'the path must name a model');
  if (model.length > MODEL_CHARS_MAX) return rejected('REQUEST_INVALID', `the model must have at most ${MODEL_CHARS_MAX} characters`);
  const object = parseJson(body.toString('utf8'));
  return { kind: 'request', model, streamed: endpoint?.path.endsWith('-stream') ?? false, body: isJsonObject(object) ? object : {} };
}

/** What an answer's headers tell. Absent text is `''`. */
export interface BedrockHeaders {
  readonly requestId: string;
  /** The kind of the error that the answer is. */
  readonly errorType: string;
  readonly serviceTier: string;
}

export function readBedrockHeaders({ headers = {} }: AnswerDescription): BedrockHeaders {
  const latency = headerText(headers['x-amzn-bedrock-performanceconfig-latency']);
  return {
    requestId: headerText(headers['x-amzn-requestid']),
    // `ValidationException:http://internal.amazon.com/coral/com.amazon.bedrock/`
    errorType: headerText(headers['x-amzn-errortype']).replace(/:.*/s, ''),
    serviceTier: bedrockTier(headerText(headers['x-amzn-bedrock-service-tier']), latency),
  };
}

/** Optimised latency has prices of its own, so that it is told as a tier. */
export function bedrockTier(tier: string, latency: string): string {
  return latency === 'optimized' ? 'optimized' : tier;
}

/** `''` when the body is no error: one has a message and perhaps a type (`com.amazon.coral.validate#ValidationException`), and nothing else. */
export function bodyErrorType(answer: JsonObject, httpStatus: number): string {
  if (httpStatus < 400) return '';
  return textAt(answer, '__type').replace(/^.*#/s, '') || textAt(answer, 'code');
}

function headerText(value: string | string[] | undefined): string {
  return boundedText((typeof value === 'string' ? value : value?.[0]) ?? '');
}
