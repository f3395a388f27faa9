/** Certificates for the connection to a ClickHouse server. */
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { AppError } from '@tokenledger/domain';

/** Paths of PEM files. */
export interface TlsFiles {
  /** Authorities to trust; those of the system unless given. */
  readonly caFile?: string;
  /** Certificate of this client, and its key; both or none. */
  readonly certFile?: string;
  readonly keyFile?: string;
}

export type TlsOptions = { readonly ca_cert: Buffer } | { readonly ca_cert: Buffer; readonly cert: Buffer; readonly key: Buffer };

/** Undefined when there is nothing to say beyond the URL. Throws `CLICKHOUSE_TLS_INVALID`. */
export function readTlsFiles({ caFile = '', certFile = '', keyFile = '' }: TlsFiles): TlsOptions | undefined {
  if ((certFile === '') !== (keyFile === ''))
    throw new AppError(
      'CLICKHOUSE_TLS_INVALID',
      'a client certificate for ClickHouse needs both its file and that of its key: give both, or none',
    );
  if (caFile === '' && certFile === '') return undefined;
  const authorities = caFile === '' ? Buffer.from(rootCertificates.join('\n')) : read(caFile);
  return certFile === '' ? { ca_cert: authorities } : { ca_cert: authorities, cert: read(certFile), key: read(keyFile) };
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new AppError('CLICKHOUSE_TLS_INVALID', `${path} cannot be read (${error instanceof Error ? error.message : String(error)})`, {
      cause: error,
    });
  }
}
