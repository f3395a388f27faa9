/** What the demo makes of control documents: its own where none are configured, keys made at random, channels that go to the simulator. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { documentsSection, surfacesOf, type DocumentsSection, type SecretReader } from '@tokenledger/control';
import { defineSection, loadConfig, type DataLayout } from '@tokenledger/runtime';
import { writeSecretFile } from '../ledger-secrets.ts';
import { REPOSITORY } from '../repository.ts';
import type { Settings } from '../settings.ts';

const KEY_BYTES = 24;
/** What the simulator is sent as a credential. */
const SIMULATED_CREDENTIAL = 'simulated';

/** What the simulator speaks. */
const SIMULATED = ['openai.chat', 'anthropic.messages'] as const;
export type Surface = (typeof SIMULATED)[number];

export interface DemoPlan {
  readonly documents: DocumentsSection;
  /** Ids of channels whose credential is not in the environment: these go to the simulator. */
  readonly simulated: ReadonlySet<string>;
}

/** On, off, or on where no documents are configured. */
export function isDemo(settings: Settings): boolean {
  const { enabled } = settings.config.demo;
  return enabled === 'auto' ? !hasDocuments(settings.config.documents) : enabled;
}

export function hasDocuments(documents: DocumentsSection): boolean {
  return documents.virtual_keys.length > 0 || documents.channels.length > 0 || documents.tenants.length > 0;
}

export function demoPlan(settings: Settings): DemoPlan {
  const configured = settings.config.documents;
  const documents = hasDocuments(configured) ? configured : { ...shippedDocuments(), price_book: configured.price_book };
  const missing = documents.channels.filter((channel) => variableUnset(channel.credential, settings.environment));
  return { documents, simulated: new Set(missing.map((channel) => channel.id)) };
}

function shippedDocuments(): DocumentsSection {
  const section = defineSection('documents', { about: '', schema: documentsSection });
  return loadConfig([section], { file: REPOSITORY.demoDocuments }).config.documents;
}

function variableUnset(reference: string, environment: Settings['environment']): boolean {
  return reference.startsWith('env:') && (environment[reference.slice('env:'.length)] ?? '') === '';
}

/** Makes the secret of each virtual key whose file is missing. Gives the ids of the keys that are new. */
export function makeMissingKeys(documents: DocumentsSection, layout: DataLayout): readonly string[] {
  const made: string[] = [];
  for (const key of documents.virtual_keys) {
    if (!key.secret.startsWith('file:')) continue;
    const path = resolve(layout.root, key.secret.slice('file:'.length));
    if (existsSync(path)) continue;
    writeSecretFile(path, `tlk_${randomBytes(KEY_BYTES).toString('base64url')}`);
    made.push(key.id);
  }
  return made;
}

/** Surfaces that only the simulator serves: the first channel that speaks a surface serves it, so that one must be simulated. */
export function simulatedSurfaces(plan: DemoPlan): readonly Surface[] {
  return SIMULATED.filter((surface) => {
    const serving = plan.documents.channels.find((channel) => surfacesOf(channel).includes(surface));
    return serving !== undefined && plan.simulated.has(serving.id);
  });
}

/** The documents with the simulated channels pointed at the simulator. */
export function simulatedDocuments(plan: DemoPlan, simulatorUrl: string): DocumentsSection {
  const channels = plan.documents.channels.map((channel) =>
    plan.simulated.has(channel.id) ? { ...channel, base_url: simulatorUrl } : channel,
  );
  return { ...plan.documents, channels };
}

/** Reads secrets, and gives a stand-in for the credentials of simulated channels. */
export function demoSecretReader(plan: DemoPlan, readSecret: SecretReader): SecretReader {
  const standIns = new Set(
    plan.documents.channels.filter((channel) => plan.simulated.has(channel.id)).map((channel) => channel.credential),
  );
  return (reference) => (standIns.has(reference) ? SIMULATED_CREDENTIAL : readSecret(reference));
}
