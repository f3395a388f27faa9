/** Google's enums come as names, or as numbers where the client asked for them (`$alt=json;enum-encoding=int`). */
import { boundedText } from '../json-object.ts';

/** Of the Gemini API (`google/ai/generativelanguage/v1beta/generative_service.proto` in https://github.com/googleapis/googleapis). */
export const GEMINI_FINISH_REASONS = [
  '',
  'STOP',
  'MAX_TOKENS',
  'SAFETY',
  'RECITATION',
  'OTHER',
  'LANGUAGE',
  'BLOCKLIST',
  'PROHIBITED_CONTENT',
  'SPII',
  'MALFORMED_FUNCTION_CALL',
  'IMAGE_SAFETY',
  'UNEXPECTED_TOOL_CALL',
  'TOO_MANY_TOOL_CALLS',
] as const;

/** Of Vertex AI (`google/cloud/aiplatform/v1/content.proto`), which numbers them in another order. */
export const VERTEX_FINISH_REASONS = [
  '',
  'STOP',
  'MAX_TOKENS',
  'SAFETY',
  'RECITATION',
  'OTHER',
  'BLOCKLIST',
  'PROHIBITED_CONTENT',
  'SPII',
  'MALFORMED_FUNCTION_CALL',
  'MODEL_ARMOR',
  'IMAGE_SAFETY',
  'IMAGE_PROHIBITED_CONTENT',
  'IMAGE_RECITATION',
  'IMAGE_OTHER',
  'UNEXPECTED_TOOL_CALL',
  'NO_IMAGE',
] as const;

/** Why a prompt was refused; both APIs agree on these. */
export const BLOCK_REASONS = ['', 'SAFETY', 'OTHER', 'BLOCKLIST', 'PROHIBITED_CONTENT'] as const;

/** Which quota a request was served from (`UsageMetadata.TrafficType` of Vertex AI). */
export const TRAFFIC_TYPES = ['', 'ON_DEMAND', 'PROVISIONED_THROUGHPUT', 'ON_DEMAND_PRIORITY', 'ON_DEMAND_FLEX'] as const;

/** `Modality` of both APIs. */
export const MODALITIES = ['', 'TEXT', 'IMAGE', 'VIDEO', 'AUDIO', 'DOCUMENT'] as const;

/** The name of an enum's value: `''` for absent and unspecified; of a number that is not known here the number. */
export function enumName(value: unknown, names: readonly string[]): string {
  if (typeof value === 'number') return names[value] ?? String(value);
  return typeof value === 'string' && !value.endsWith('_UNSPECIFIED') ? boundedText(value) : '';
}
