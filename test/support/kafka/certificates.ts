/** Certificates for a test: an authority of its own, a broker's for the loopback addresses, a client's. They are valid for a day. */
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { generate, type GenerateResult } from 'selfsigned';

/** PEM files. */
export interface CertificateFiles {
  readonly authority: string;
  /** Key and certificate in one file, as a broker reads its key store. */
  readonly broker: string;
  readonly clientCertificate: string;
  readonly clientKey: string;
}

const DAY_MS = 86_400_000;

export async function makeCertificates(folder: string): Promise<CertificateFiles> {
  const authority = await certificate('tokenledger test authority');
  const [broker, client] = await Promise.all([certificate('broker', authority), certificate('client', authority)]);
  const write = async (name: string, text: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, text, { mode: 0o600 });
    return path;
  };
  return {
    authority: await write('authority.pem', authority.cert),
    broker: await write('broker.pem', `${broker.private}\n${broker.cert}`),
    clientCertificate: await write('client.pem', client.cert),
    clientKey: await write('client-key.pem', client.private),
  };
}

/** Signed by `authority`, or an authority itself. */
function certificate(name: string, authority?: GenerateResult): Promise<GenerateResult> {
  return generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notAfterDate: new Date(Date.now() + DAY_MS),
    ...(authority === undefined
      ? {
          extensions: [
            { name: 'basicConstraints', cA: true },
            { name: 'keyUsage', keyCertSign: true },
          ],
        }
      : {
          ca: { key: authority.private, cert: authority.cert },
          extensions: [
            { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
            {
              name: 'subjectAltName',
              altNames: [
                { type: 2, value: 'localhost' },
                { type: 7, ip: '127.0.0.1' },
              ],
            },
          ],
        }),
  });
}
