/** Changes of a JSON request that an operator asked for, by as few bytes as can be. */
import { lastMember, objectMembers, skipSpace } from './json-members.ts';

/** `body` with another `model`; every other byte stays. Undefined where it is no JSON object that names one. */
export function withModel(body: Buffer, model: string): Buffer | undefined {
  const start = skipSpace(body, 0, body.length);
  const members = objectMembers(body, start, body.length);
  const member = members === undefined ? undefined : lastMember(body, members, 'model');
  if (member === undefined) return undefined;
  return Buffer.concat([body.subarray(0, member.valueStart), Buffer.from(JSON.stringify(model)), body.subarray(member.valueEnd)]);
}
