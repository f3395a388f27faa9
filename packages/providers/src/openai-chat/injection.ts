/** Asks a streamed chat completion for its usage by changing as few bytes of the request as can be. */
import { isJsonObject, type JsonObject } from '../json-object.ts';
import { lastMember, objectMembers, skipSpace, type JsonMember } from '../json-members.ts';

/** `body`, which was parsed to `request`, with `stream_options.include_usage` set to true; every other byte stays. Undefined when it is set already, or when `stream_options` is something that
 *  the provider refuses: then the client shall see that refusal. */
export function withUsageAsked(body: Buffer, request: JsonObject): Buffer | undefined {
  const options = request['stream_options'];
  const object = skipSpace(body, 0, body.length);
  if (!Object.hasOwn(request, 'stream_options')) return spliced(body, object + 1, object + 1, '"stream_options":{"include_usage":true},');
  const member = memberOf(body, object, 'stream_options');
  if (member === undefined) return undefined;
  if (options === null) return spliced(body, member.valueStart, member.valueEnd, '{"include_usage":true}');
  if (!isJsonObject(options)) return undefined;
  return asked(body, member.valueStart, options);
}

function asked(body: Buffer, start: number, options: JsonObject): Buffer | undefined {
  const includeUsage = options['include_usage'];
  if (!Object.hasOwn(options, 'include_usage')) {
    const rest = Object.keys(options).length === 0 ? '' : ',';
    return spliced(body, start + 1, start + 1, `"include_usage":true${rest}`);
  }
  if (includeUsage !== false && includeUsage !== null) return undefined;
  const member = memberOf(body, start, 'include_usage');
  return member === undefined ? undefined : spliced(body, member.valueStart, member.valueEnd, 'true');
}

function memberOf(body: Buffer, start: number, key: string): JsonMember | undefined {
  const members = objectMembers(body, start, body.length);
  return members === undefined ? undefined : lastMember(body, members, key);
}

function spliced(body: Buffer, from: number, to: number, text: string): Buffer {
  return Buffer.concat([body.subarray(0, from), Buffer.from(text), body.subarray(to)]);
}
