/** Answers of Anthropic's messages: blocks, whole or in deltas. */
import { type JsonObject, objectAt, objectsAt, positionAt } from '../json-value.ts';
import type { AnswerText } from './answer-text.ts';

export function readMessageEvent(event: JsonObject, answer: AnswerText): void {
  switch (event['type']) {
    case 'message':
      objectsAt(event, 'content').forEach((block, index) => {
        readBlock(block, String(index), answer, true);
      });
      return;
    case 'content_block_start':
      // The input of a call that follows in deltas starts as an empty object.
      readBlock(objectAt(event, 'content_block'), positionAt(event, 'index', 0), answer, false);
      return;
    case 'content_block_delta': {
      const delta = objectAt(event, 'delta');
      answer.add(positionAt(event, 'index', 0), delta['text']);
      if (typeof delta['partial_json'] === 'string') answer.addCall(positionAt(event, 'index', 0), undefined, delta['partial_json']);
      return;
    }
    default:
  }
}

function readBlock(block: JsonObject, at: string, answer: AnswerText, isWhole: boolean): void {
  switch (block['type']) {
    case 'text':
      answer.add(at, block['text']);
      return;
    case 'tool_use':
      answer.addCall(at, block['name'], isWhole ? block['input'] : undefined);
      return;
    case 'thinking':
    case 'redacted_thinking':
      answer.hasHiddenPart = true;
      return;
    // What the provider's own tools did.
    default:
      answer.unread = 'not_countable_server_tools';
  }
}
