/** The answer that stands in a line of batch results, read as the API's own. */
import { invariant } from '@tokenledger/domain';
import { lastMember, objectMembers, skipSpace } from '../json-members.ts';
import type { ObservedAnswer, Surface } from '../surface.ts';
import { BATCH_TIER } from './result.ts';

/** `body`: bytes of a whole answer. Whatever tier it names, it is priced as a part of a batch. */
export function batchAnswer(api: Surface, body: Buffer, httpStatus: number, provider: string): ObservedAnswer {
  const reader = api.usageReader({ contentType: 'application/json', httpStatus, answerBytesMax: body.length, provider });
  reader.push(body);
  return { ...reader.end(), serviceTier: BATCH_TIER };
}

/** The bytes of a member, so that what a reader sees is what came. `line` is known to be JSON, and to hold objects called `keys`, each in the one before. */
export function bytesAt(line: Buffer, keys: readonly string[]): Buffer {
  let [from, to] = [skipSpace(line, 0, line.length), line.length];
  for (const key of keys) {
    const member = lastMember(line, objectMembers(line, from, to) ?? [], key);
    invariant(member !== undefined, 'what was parsed stands in its bytes');
    [from, to] = [member.valueStart, member.valueEnd];
  }
  return line.subarray(from, to);
}
