/** Usage events into the log: as many as are wanted, as fast as it takes them, or at a fixed rate whatever it does. */
import { randomUUID } from 'node:crypto';
import type { UsageEvent } from '@tokenledger/domain';
import { type EventLog, type OutgoingRecord, type Producer, recordBytes } from '@tokenledger/event-log';
import { encodeUsageEvent, identityHeaders } from '@tokenledger/schemas';
import { pipelineEvent } from './pipeline-events.ts';

export interface LoadTarget {
  readonly log: EventLog;
  readonly topic: string;
  readonly partitions: number;
  readonly source: string;
}

/** One send: below what a broker takes in one request. */
const SEND_RECORDS = 400;

/** `count` events, spread over the partitions, whose times follow each other as at `perSecond`. Resolves with their bytes. */
export async function fill(target: LoadTarget, count: number, perSecond: number): Promise<number> {
  const producer = await target.log.producer();
  const beganMs = Date.now();
  let bytes = 0;
  await Promise.all(
    Array.from({ length: target.partitions }, async (_, partition) => {
      const own = Math.floor(count / target.partitions) + (partition < count % target.partitions ? 1 : 0);
      for (let sent = 0; sent < own; sent += SEND_RECORDS) {
        const records = Array.from({ length: Math.min(SEND_RECORDS, own - sent) }, (_value, index) =>
          recordOf(target, partition, sent + index + 1, beganMs + ((sent + index) * target.partitions * 1_000) / perSecond),
        );
        for (const record of records) bytes += recordBytes(record);
        await producer.send(target.topic, partition, records);
      }
    }),
  );
  await producer.close();
  return bytes;
}

/** When each event was meant to be sent: what its freshness counts from. */
export interface Schedule {
  readonly perPartition: number;
  /** Of the event with this number in this partition, in milliseconds of `performance.now()`. */
  dueMs(partition: number, sequence: number): number;
}

const TURN_MS = 10;
/** Events that are made beforehand and sent again under other ids and times: making each would take processor time from what is measured. */
const SAMPLES = 5_000;
const PREPARE_MS = 2_000;

/** Sends at a fixed rate for some time: what falls due is sent, however long the sends before it take. Ends when all is acknowledged. */
export async function pace(target: LoadTarget, perSecond: number, seconds: number, begun: (schedule: Schedule) => void): Promise<void> {
  const producer = await target.log.producer();
  const perPartition = Math.floor((perSecond * seconds) / target.partitions);
  const startMs = performance.now() + PREPARE_MS;
  const wallMs = Date.now() + PREPARE_MS;
  const schedule: Schedule = {
    perPartition,
    dueMs: (partition, sequence) => startMs + (((sequence - 1) * target.partitions + partition) * 1_000) / perSecond,
  };
  begun(schedule);
  const samples = Array.from({ length: SAMPLES }, (_, index) =>
    pipelineEvent({ source: target.source, partition: 0, sequence: index + 1, occurredAtMs: wallMs }),
  );
  const sends: Promise<unknown>[] = [];
  const next = Array.from({ length: target.partitions }, () => 1);
  while (next.some((sequence) => sequence <= perPartition)) {
    const nowMs = performance.now();
    for (let partition = 0; partition < target.partitions; partition += 1) sends.push(...sendDue(producer, partition, nowMs));
    await new Promise((resolve) => setTimeout(resolve, TURN_MS));
  }
  await Promise.all(sends);
  await producer.close();

  function sendDue(by: Producer, partition: number, nowMs: number): readonly Promise<unknown>[] {
    const due: Promise<unknown>[] = [];
    let records: OutgoingRecord[] = [];
    for (let sequence = next[partition] as number; sequence <= perPartition; sequence += 1) {
      const dueMs = schedule.dueMs(partition, sequence);
      if (dueMs > nowMs) break;
      const like = samples[(sequence * target.partitions + partition) % SAMPLES] as UsageEvent;
      records.push(recordLike(like, sequence, Math.floor(wallMs + dueMs - startMs)));
      next[partition] = sequence + 1;
      if (records.length < SEND_RECORDS) continue;
      due.push(by.send(target.topic, partition, records));
      records = [];
    }
    return records.length === 0 ? due : [...due, by.send(target.topic, partition, records)];
  }
}

function recordLike(sample: UsageEvent, sequence: number, occurredAtMs: number): OutgoingRecord {
  const event = { ...sample, eventId: randomUUID(), requestId: randomUUID(), sequence, occurredAtMs, recordedAtMs: occurredAtMs };
  return { key: event.attribution.virtualKeyId, value: encodeUsageEvent(event), headers: identityHeaders(event) };
}

function recordOf({ source }: LoadTarget, partition: number, sequence: number, occurredAtMs: number): OutgoingRecord {
  const event = pipelineEvent({ source, partition, sequence, occurredAtMs: Math.floor(occurredAtMs) });
  return { key: event.attribution.virtualKeyId, value: encodeUsageEvent(event), headers: identityHeaders(event) };
}
