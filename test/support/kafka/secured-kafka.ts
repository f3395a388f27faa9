/** A broker that lets nobody in without a password, a token or a certificate, beside its plain listener. */
import { makeTempDir } from '../temp-dir.ts';
import { type CertificateFiles, makeCertificates } from './certificates.ts';
import { startJarsKafka } from './jars-kafka.ts';
import type { KafkaSource } from './source.ts';

export const USER = { username: 'ledger', password: 'ledger-password' } as const;

/** The broker ends a session within TLS that has not logged in anew for this long. kafkajs does so 10 s before. */
export const SESSION_MS_MAX = 12_000;

export interface SecuredKafka extends AsyncDisposable {
  /** Passwords and tokens, in the open. */
  readonly sasl: string;
  /** TLS alone; a client may stay without a certificate. */
  readonly tls: string;
  /** TLS; a client needs a certificate of the authority. */
  readonly mutualTls: string;
  /** Passwords and tokens within TLS. */
  readonly saslTls: string;
  readonly certificates: CertificateFiles;
}

export async function startSecuredKafka(source: KafkaSource & { readonly kind: 'jars' }): Promise<SecuredKafka> {
  const folder = await makeTempDir('certificates');
  const certificates = await makeCertificates(folder.path);
  const broker = await startJarsKafka(source, {
    listeners: { SASL: 'SASL_PLAINTEXT', TLS: 'SSL', MUTUAL: 'SSL', SASLTLS: 'SASL_SSL' },
    settings: {
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
      ...loginSettings('sasl'),
      ...loginSettings('sasltls'),
      ...Object.fromEntries(
        Object.keys(LOGINS).map((mechanism) => [`listener.name.sasltls.${mechanism}.connections.max.reauth.ms`, String(SESSION_MS_MAX)]),
      ),
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': certificates.broker,
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': certificates.authority,
      'ssl.client.auth': 'none',
      'listener.name.mutual.ssl.client.auth': 'required',
    },
    formatArguments: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${USER.username},password=${USER.password}]`,
    ]),
  });
  return {
    sasl: broker.listener('SASL'),
    tls: broker.listener('TLS'),
    mutualTls: broker.listener('MUTUAL'),
    saslTls: broker.listener('SASLTLS'),
    certificates,
    async [Symbol.asyncDispose]() {
      await broker[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A token as Kafka's own development mode takes it: signed by nobody. (Kafka documentation, "Authentication using SASL/OAUTHBEARER".) */
export function unsecuredToken(subject: string, validMs: number): string {
  const nowS = Math.floor(Date.now() / 1_000);
  const parts = [{ alg: 'none' }, { sub: subject, iat: nowS, exp: nowS + Math.ceil(validMs / 1_000) }];
  return `${parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`;
}

const MODULES = 'org.apache.kafka.common.security';
const LOGINS = {
  plain: `${MODULES}.plain.PlainLoginModule required user_${USER.username}="${USER.password}";`,
  'scram-sha-256': `${MODULES}.scram.ScramLoginModule required;`,
  'scram-sha-512': `${MODULES}.scram.ScramLoginModule required;`,
  oauthbearer: `${MODULES}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
};

function loginSettings(listener: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(LOGINS).map(([mechanism, login]) => [`listener.name.${listener}.${mechanism}.sasl.jaas.config`, login]),
  );
}
