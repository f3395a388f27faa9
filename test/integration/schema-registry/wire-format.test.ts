import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { UsageEvent } from '@tokenledger/domain';
import {
  type EmbeddedLog,
  type EventLog,
  type LogRecord,
  openEmbeddedLog,
  type OwnedPartition,
  withTranslatedValues,
} from '@tokenledger/event-log';
import { confluentWireFormat, decodeRecord, decodeUsageEvent, encodeUsageEvent, schemaRegistry } from '@tokenledger/schemas';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sampleEvents } from '../../bench/support/sample-events.ts';
import { repositoryRoot } from '../../support/repository.ts';
import { type SchemaRegistryStub, startSchemaRegistryStub } from '../../support/schema-registry-stub.ts';
import { makeTempDir, type TempDir } from '../../support/temp-dir.ts';

const POLL = { recordsMax: 100, bytesMax: 10_000_000, waitMs: 1_000 } as const;
const CONFLUENT_HEADER_BYTES = 5;
const SINGLE_OBJECT_HEADER_BYTES = 10;
const [topic, other] = ['events', 'other'];
const events = sampleEvents(5);
const [event] = events as readonly [UsageEvent];

let stub: SchemaRegistryStub;
let directory: TempDir;
let inside: EmbeddedLog;
let log: EventLog;
beforeEach(async () => {
  stub = await startSchemaRegistryStub();
  directory = await makeTempDir('wire-format');
  inside = openEmbeddedLog({ directory: directory.path });
  await inside.createTopics([topic, other].map((name) => ({ topic: name, partitions: 1, cleanup: 'time', retentionMs: 3_600_000 })));
  log = withTranslatedValues(inside, [topic], confluentWireFormat(schemaRegistry({ url: stub.url })));
});
afterEach(async () => {
  await inside.close();
  await directory[Symbol.asyncDispose]();
  await stub[Symbol.asyncDispose]();
});

async function send(to: EventLog, name: string, values: readonly (Uint8Array | null)[]): Promise<void> {
  const producer = await to.producer();
  await producer.send(
    name,
    0,
    values.map((value) => ({ key: null, value })),
  );
}

async function read(from: EventLog, name: string): Promise<readonly LogRecord[]> {
  const reader = await from.reader({ topic: name, partition: 0, from: 'start' });
  return reader.poll(POLL);
}

const eventsOf = (records: readonly LogRecord[]): readonly unknown[] =>
  records.map(({ value }) => decodeUsageEvent(value ?? new Uint8Array()));

/** A value as another program writes it. */
function confluent(id: number, body: Uint8Array): Buffer {
  const header = Buffer.alloc(CONFLUENT_HEADER_BYTES);
  header.writeUInt32BE(id, 1);
  return Buffer.concat([header, body]);
}

interface AvroSchema {
  readonly fields: readonly { readonly name: string; readonly doc?: string }[];
}

async function usageSchema(): Promise<AvroSchema> {
  return JSON.parse(await readFile(join(repositoryRoot, 'schemas', 'avro', 'UsageEvent.v3.avsc'), 'utf8')) as AvroSchema;
}

describe('with a schema registry, events', () => {
  it('are in the log as every client of the registry reads them, and come out as they went in', async () => {
    await send(log, topic, events.map(encodeUsageEvent));
    expect(eventsOf(await read(log, topic))).toEqual(events);

    const [stored] = await read(inside, topic);
    const value = Buffer.from(stored?.value ?? []);
    expect(value[0]).toBe(0);
    const schema = await schemaRegistry({ url: stub.url }).schemaOf(value.readUInt32BE(1));
    expect(schema).toEqual(await usageSchema());
    expect(decodeRecord(value, { schemaById: () => schema })).toEqual({ kind: 'usage', event });
  });

  it('are sent in the order in which they were given, while the registry is asked for the first time', async () => {
    const producer = await log.producer();
    const more = sampleEvents(20);
    await Promise.all(more.map((one) => producer.send(topic, 0, [{ key: null, value: encodeUsageEvent(one) }])));
    expect(eventsOf(await read(log, topic))).toEqual(more);
  });

  it('that were written without a registry are read all the same', async () => {
    await send(inside, topic, [encodeUsageEvent(event)]);
    await send(log, topic, [encodeUsageEvent(event), null]);
    const [without, within, tombstone] = await read(log, topic);
    expect(eventsOf([without, within] as LogRecord[])).toEqual([event, event]);
    expect(tombstone?.value).toBeNull();
  });

  it('by another producer are read, of the same schema with other words and of a later one', async () => {
    const schema = await usageSchema();
    const body = encodeUsageEvent(event).subarray(SINGLE_OBJECT_HEADER_BYTES);
    const reworded = stub.register('reworded', { ...schema, fields: schema.fields.map((field) => ({ ...field, doc: 'otherwise' })) });
    const later = stub.register('later', { ...schema, fields: [...schema.fields, { name: 'mood', type: 'string', default: '' }] });
    const good = Buffer.concat([Buffer.from([4 << 1]), Buffer.from('good')]);
    await send(inside, topic, [confluent(reworded, body), confluent(later, Buffer.concat([body, good]))]);
    expect(eventsOf(await read(log, topic))).toEqual([event, event]);
  });

  it('of no known schema stay as they are, and are rejected by whoever decodes them', async () => {
    const stranger = stub.register('stranger', { type: 'record', name: 'Stranger', fields: [] });
    const values = [confluent(9_999, Buffer.from([1])), confluent(stranger, Buffer.alloc(0)), Buffer.from('rubbish'), Buffer.from([0, 1])];
    await send(inside, topic, values);
    const records = await read(log, topic);
    expect(records.map(({ value }) => Buffer.from(value ?? []))).toEqual(values);
    expect(eventsOf(records)).toEqual(values.map(() => expect.objectContaining({ code: 'UNDECODABLE' }) as unknown));
  });

  it('of other topics are left alone', async () => {
    await send(log, other, [encodeUsageEvent(event)]);
    expect(Buffer.from((await read(inside, other))[0]?.value ?? [])).toEqual(encodeUsageEvent(event));
    expect(stub.requests).toEqual([]);
  });

  it('cost the registry one question for each schema, however many they are', async () => {
    await send(log, topic, events.map(encodeUsageEvent));
    const reader = withTranslatedValues(inside, [topic], confluentWireFormat(schemaRegistry({ url: stub.url })));
    const before = stub.requests.length;
    await read(reader, topic);
    await read(reader, topic);
    expect(stub.requests.slice(before)).toEqual([expect.stringMatching(/^GET \/schemas\/ids\/\d+$/)]);
  });
});

describe('while the schema registry is away', () => {
  const unavailable = { code: 'SCHEMA_REGISTRY_UNAVAILABLE', retryable: true };

  it('nothing is sent, and the next send tries again', async () => {
    stub.answerAlways(503);
    const producer = await log.producer();
    const record = { key: null, value: encodeUsageEvent(event) };
    await expect(producer.send(topic, 0, [record])).rejects.toMatchObject(unavailable);
    expect(await inside.ranges(topic)).toEqual([{ start: 0, end: 0 }]);
    stub.answerAlways(undefined);
    await producer.send(topic, 0, [record]);
    expect(eventsOf(await read(log, topic))).toEqual([event]);
  });

  it('what was polled waits: the next poll gives it, to readers and to owners', async () => {
    await send(log, topic, events.map(encodeUsageEvent));
    const late = withTranslatedValues(inside, [topic], confluentWireFormat(schemaRegistry({ url: stub.url })));
    const reader = await late.reader({ topic, partition: 0, from: 'start' });
    const gained = Promise.withResolvers<OwnedPartition>();
    const membership = await late.join({
      group: 'readers',
      topics: [topic],
      run: (partition) => {
        gained.resolve(partition);
        return new Promise((resolve) => partition.signal.addEventListener('abort', () => resolve(), { once: true }));
      },
      onError: gained.reject,
    });
    const owned = await gained.promise;
    stub.answerAlways(503);
    for (const source of [reader, owned]) await expect(source.poll(POLL)).rejects.toMatchObject(unavailable);
    stub.answerAlways(undefined);
    for (const source of [reader, owned]) expect(eventsOf(await source.poll(POLL))).toEqual(events);
    owned.seek(3);
    expect(eventsOf(await owned.poll(POLL))).toEqual(events.slice(3));
    await membership.close();
  });

  it('a position that is moved leaves behind what waited', async () => {
    await send(log, topic, events.map(encodeUsageEvent));
    const late = withTranslatedValues(inside, [topic], confluentWireFormat(schemaRegistry({ url: stub.url })));
    const seen = Promise.withResolvers<readonly unknown[]>();
    const membership = await late.join({
      group: 'movers',
      topics: [topic],
      run: async (partition) => {
        stub.answerAlways(503);
        await partition.poll(POLL).catch(() => []);
        stub.answerAlways(undefined);
        partition.seek(4);
        seen.resolve(eventsOf(await partition.poll(POLL)));
      },
      onError: seen.reject,
    });
    expect(await seen.promise).toEqual(events.slice(4));
    await membership.close();
  });
});
