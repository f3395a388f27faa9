export { anthropicMessages } from './anthropic-messages/index.ts';
export { SSE_EVENT_BYTES_MAX } from './answer-reader.ts';
export { ERRORS } from './errors.ts';
export { openaiChat } from './openai-chat/index.ts';
export { brokenOff } from './broken-off.ts';
export { MODEL_CHARS_MAX } from './request-body.ts';
export * from './surface.ts';
export { SURFACE_NAMES, SURFACES, type SurfaceName } from './surfaces.ts';
