/** Codes of this service. Held together with docs/errors.md by a test. */
export const ERRORS = {
  FENCE_UNSETTLED:
    'Raising the fence did not take effect although no newer owner was seen: it is tried again. Look at ClickHouse if it goes on.',
  PARTITION_MOVED:
    'The list of ClickHouse nodes places a partition elsewhere than before, so it is not written. Restore the order of `clickhouse.nodes`, or move the partition as docs/clickhouse.md says.',
  INSERT_SHORT:
    'ClickHouse acknowledged an insert with fewer rows than it was sent: what is there is read back and the rest inserted again.',
  ROW_INVALID:
    'An event has a value that its column cannot hold, so it is in `dead_letters`. The message names the field; correct whoever recorded or priced it.',
  AUDIT_UNREADABLE:
    'A record of the control topic stands where an audit record belongs and cannot be read, so it is in `dead_letters`. Only the registry may write to that topic; a newer one may write what an older writer cannot read.',
  SOURCE_UNREADABLE:
    'A record of the topic of sources cannot be read, so it is in `dead_letters`. Only ingresses and `tokenledger` may write there; a newer one may write what an older writer cannot read.',
  RECORD_UNEXPECTED:
    'A record is of a kind that does not belong in its topic, so it is in `dead_letters`. Correct the topic that its producer writes to.',
  SEAL_DISAGREES: 'A day that is to be sealed has rows that are there twice, so its raw rows stay. `tokenledger verify` names them.',
  DEAD_LETTER_UNREADABLE:
    'A record of the dead-letter topic lacks the headers that say why it was refused. Only the pricer and the writer may write to that topic.',
} as const;

export type WriterCode = keyof typeof ERRORS;
