/** Whether a conversation holds more than text: then the size of its body says nothing about its tokens. */
import { isJsonObject } from './json-object.ts';

/** As they stand in the types of content parts: `image_url`, `input_audio`, `document`, `file`, `video_url`, `computer_screenshot`. */
const MEDIA = /image|audio|file|document|video|screenshot/;

/** `messages`: those of a request, whose contents are texts or lists of parts. The result of a tool holds parts of its own. */
export function holdsMedia(messages: unknown): boolean {
  if (!Array.isArray(messages)) return false;
  return messages.some((message) => isJsonObject(message) && anyMedia(message['content'], true));
}

function anyMedia(content: unknown, nests: boolean): boolean {
  if (!Array.isArray(content)) return false;
  for (const part of content) {
    if (!isJsonObject(part)) continue;
    if (typeof part['type'] === 'string' && MEDIA.test(part['type'])) return true;
    if (nests && anyMedia(part['content'], false)) return true;
  }
  return false;
}
