/** Control documents resolved for a start, or checked without one. */
import { type ConfigDocument, documentsOf, resolveControl, secretReader, type SecretReader } from '@tokenledger/control';
import { demoPlan, demoSecretReader, makeMissingKeys, simulatedDocuments, type DemoPlan } from './demo/documents.ts';
import { ledgerSecrets, type LedgerSecrets } from './ledger-secrets.ts';
import { readPriceBook } from './price-book.ts';
import type { Settings } from './settings.ts';

export interface LoadedControl {
  readonly secrets: LedgerSecrets;
  /** Of the config file or the demo: for the registry, which brings them onto the control topic. */
  readonly documents: readonly ConfigDocument[];
  readonly readSecret: SecretReader;
}

/** Throws `SECRET_MISSING`, `SECRET_WEAK`. */
export function loadControl(settings: Settings, demo: DemoPlan | undefined, simulatorUrl: string): LoadedControl {
  const fromOutside = secretReader(settings.environment, settings.layout.root);
  const documents = demo === undefined ? settings.config.documents : simulatedDocuments(demo, simulatorUrl);
  const readSecret = demo === undefined ? fromOutside : demoSecretReader(demo, fromOutside);
  if (demo !== undefined) makeMissingKeys(documents, settings.layout);
  const secrets = ledgerSecrets(settings.config.control, readSecret, settings.layout);
  return { secrets, documents: documentsOf(documents), readSecret };
}

const UNUSED_HASH_SECRET = new Uint8Array(32);

export interface CheckOptions {
  readonly demo: boolean;
  /** Which secrets must be there: those of keys are for the registry, credentials of channels for the ingress. */
  readonly secrets: 'all' | 'keys' | 'none';
}

/** Checks documents and price book without writing anything. Gives a summary. Throws `SECRET_MISSING`, `SECRET_WEAK`, `DOCUMENT_DUPLICATE`, `REFERENCE_MISSING`. */
export function checkDocuments(settings: Settings, options: CheckOptions): string {
  const { demo } = options;
  const documents = demo ? demoPlan(settings).documents : settings.config.documents;
  const fromOutside = secretReader(settings.environment, settings.layout.root);
  const credentials = new Set(documents.channels.map(({ credential }) => credential));
  // In the demo missing secrets are made or stood in for.
  const isRead = (reference: string): boolean =>
    !demo && (options.secrets === 'all' || (options.secrets === 'keys' && !credentials.has(reference)));
  const readSecret: SecretReader = (reference) => (isRead(reference) ? fromOutside(reference) : `stands in for ${reference}`.padEnd(32));
  resolveControl(documentsOf(documents), { readSecret, keyHashSecret: UNUSED_HASH_SECRET });
  const book = readPriceBook(settings);
  const { tenants, virtual_keys: keys, channels } = documents;
  return `${demo ? 'demo: ' : ''}${tenants.length} tenants, ${keys.length} virtual keys, ${channels.length} channels, price book ${book.version.slice(0, 12)}`;
}
