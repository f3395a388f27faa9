import { expect, test } from 'vitest';
import { awsCredential } from './aws-credential.ts';

const ID = 'AKIDEXAMPLEAKIDEXAMPLE';

test('an access key stands as JSON, with a session’s token where it has one', () => {
  expect(awsCredential(`{"access_key_id":"${ID}","secret_access_key":"s/+"}`)).toEqual({
    kind: 'access_key',
    accessKeyId: ID,
    secretAccessKey: 's/+',
    sessionToken: '',
  });
  expect(awsCredential(`{"access_key_id":"${ID}","secret_access_key":"s","session_token":"t"}`)).toMatchObject({ sessionToken: 't' });
});

test('or as its id and its secret with a colon between them', () => {
  expect(awsCredential(`${ID}:a/b+c:d`)).toEqual({ kind: 'access_key', accessKeyId: ID, secretAccessKey: 'a/b+c:d', sessionToken: '' });
});

test.each(['ABSKQmVkcm9ja0FQSUtleS1leGFtcGxl', 'bedrock-api-key-YmVkcm9jaw==', '{"access_key_id":1}', '{', ''])(
  'anything else is a key that is sent as it is: %s',
  (secret) => {
    expect(awsCredential(secret)).toEqual({ kind: 'api_key', apiKey: secret });
  },
);
