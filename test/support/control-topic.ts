/** Writes documents on the control topic as a registry does, for tests of those who read them. */
import { randomUUID } from 'node:crypto';
import {
  type ConfigDocument,
  type ControlDocument,
  type ControlKind,
  documentKey,
  encodeControl,
  hashConfigured,
  keyFromConfig,
  keyHashCheck,
  keyHasher,
  type SecretReader,
} from '@tokenledger/control';
import type { EventLog } from '@tokenledger/event-log';

export interface ControlTopic {
  /** All of them as one change. */
  put(...documents: readonly ControlDocument[]): Promise<void>;
  remove(kind: ControlKind, id: string): Promise<void>;
}

/** Begins with generation 1 of `keyHashSecret`. */
export async function controlTopic(log: EventLog, topic: string, keyHashSecret: Uint8Array): Promise<ControlTopic> {
  const versions = new Map<string, number>();
  async function write(changes: readonly { readonly kind: ControlKind; readonly id: string; readonly document: ControlDocument | null }[]) {
    const changeId = randomUUID();
    const records = changes.map(({ kind, id, document }) => {
      const key = documentKey({ kind, id });
      const version = (versions.get(key) ?? 0) + 1;
      versions.set(key, version);
      const value = encodeControl({
        kind,
        id,
        version,
        epoch: 1,
        change_id: changeId,
        change_size: changes.length,
        changed_at: new Date().toISOString(),
        changed_by: 'test',
        managed_by: 'api',
        document,
      });
      return { key, value };
    });
    const producer = await log.producer();
    await producer.send(topic, 0, records);
    await producer.close();
  }
  const put = (...documents: readonly ControlDocument[]) =>
    write(documents.map((document) => ({ kind: document.kind, id: document.id, document })));
  await put({
    kind: 'key_hash_secret',
    id: '1',
    generation: 1,
    check: keyHashCheck(keyHashSecret),
    created_at: new Date().toISOString(),
  });
  return { put, remove: (kind, id) => write([{ kind, id, document: null }]) };
}

/** Documents of a config file as they stand on the topic. */
export function asControlDocuments(
  documents: readonly ConfigDocument[],
  sources: { readonly readSecret: SecretReader; readonly keyHashSecret: Uint8Array },
): readonly ControlDocument[] {
  const hasher = keyHasher(sources.keyHashSecret);
  return documents.map((document) => {
    if (document.kind !== 'virtual_key') return document;
    const hash = hashConfigured(document, hasher, sources.readSecret);
    return keyFromConfig(document, [{ hash, generation: 1, created_at: new Date().toISOString() }]);
  });
}
