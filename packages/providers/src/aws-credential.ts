/** The credential of a channel to AWS, as its secret holds it: an access key that signs each request, or an API key that is sent. */
import { isJsonObject, parseJson } from './json-object.ts';

export type AwsCredential =
  | {
      readonly kind: 'access_key';
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
      /** `''`: a key that does not expire. */
      readonly sessionToken: string;
    }
  | { readonly kind: 'api_key'; readonly apiKey: string };

/** Ids of access keys hold letters and digits alone, API keys no colon. */
const ID_AND_SECRET = /^(\w{16,128}):(\S+)$/;

/** `secret`: `{"access_key_id", "secret_access_key", "session_token"?}` as JSON, or `ID:SECRET`; anything else is an API key of Bedrock
 *  (https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html). */
export function awsCredential(secret: string): AwsCredential {
  const pair = ID_AND_SECRET.exec(secret);
  if (pair !== null) return { kind: 'access_key', accessKeyId: pair[1] as string, secretAccessKey: pair[2] as string, sessionToken: '' };
  const json = secret.startsWith('{') ? parseJson(secret) : undefined;
  if (!isJsonObject(json)) return { kind: 'api_key', apiKey: secret };
  const { access_key_id: accessKeyId, secret_access_key: secretAccessKey, session_token: sessionToken } = json;
  if (typeof accessKeyId !== 'string' || typeof secretAccessKey !== 'string') return { kind: 'api_key', apiKey: secret };
  return { kind: 'access_key', accessKeyId, secretAccessKey, sessionToken: typeof sessionToken === 'string' ? sessionToken : '' };
}
