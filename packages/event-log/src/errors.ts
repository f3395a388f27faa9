/** Codes of this package, and what each means. Held together with docs/errors.md by a test. */
export const ERRORS = {
  LOG_UNAVAILABLE: 'The event log did not answer or could not write: it is tried again; check its disk or its brokers when it persists.',
  LOG_LOCKED: 'Another process owns the embedded event log: stop that process, or choose another data directory.',
  LOG_MISSING: 'There is no embedded event log in the directory: start `tokenledger up` on it first, or correct the directory.',
  LOG_READ_ONLY: 'The embedded event log was opened for reading only: open it without `readOnly` to write or to join a group.',
  LOG_FORMAT: 'The embedded event log was written by another version: run that version, or choose another data directory.',
  LOG_ADDRESS_INVALID: 'The address of a broker is not `host:port`: correct the setting.',
  LOG_DENIED: "The brokers refused the credentials, or what these may do: correct `sasl`, or the brokers' permissions.",
  LOG_CLOSED: 'The event log was used after it had been closed: stop what uses it first.',
  TOPIC_MISSING: 'A topic does not exist: run `tokenledger migrate`, or correct the topic prefix.',
  TOPIC_MISMATCH: 'A topic exists with other partitions or another cleanup policy: correct the setting, or recreate the topic.',
  USAGE_TOPICS_UNEQUAL:
    'The usage topics have unequal partition counts, so records could not keep their partition: run `tokenledger topics grow` to the largest.',
  TOPIC_REFUSED: 'The brokers refuse to create or to grow a topic as it was asked for: correct the setting that the message names.',
  PARTITION_MISSING: 'A topic has fewer partitions than asked for: usage topics need equal partition counts.',
  RECORD_TOO_LARGE: 'A record exceeds the size limit of the event log: raise the limit or make the record smaller.',
  RECORD_REFUSED: 'The brokers refuse a record for what it is: a compacted topic takes none without a key; correct whoever sends it.',
  SEND_UNACKNOWLEDGED: 'The event log accepted a send without naming where it landed: it is taken for failed and tried again.',
  BATCH_UNREADABLE: 'A batch in the log cannot be read: another program wrote it, or it is damaged; set the offset of the group behind it.',
  OFFSET_OUT_OF_RANGE: 'The position to read from is not in the log any more: the partition stops until an operator sets its offset.',
  OFFSET_UNCOMMITTED:
    'A group without a committed offset met a log whose beginning has expired: set its offset, or allow `startAt: earliest`.',
  OFFSET_LOST:
    'A group had committed offsets in a partition and has none any more: the topic was recreated, or they expired; the partition stops until an operator sets its offset.',
  OFFSET_METADATA_INVALID: 'The metadata of a committed offset cannot be read: set the offset of the group anew.',
  OFFSET_METADATA_TOO_LARGE: 'The metadata of an offset exceeds what the brokers take: raise their `offset.metadata.max.bytes`.',
  LOG_MISMATCH:
    'The record before the committed offset is not the one that was committed: the log was replaced or restored; set the offset.',
  GROUP_ACTIVE: 'The offset of a group was to be set while the group has members: stop the role that reads, then set it.',
  OWNERSHIP_LOST: 'Another member owns the partition now: what was in hand is repeated there.',
  CHECKPOINT_MISSING:
    'A fold has a committed offset and no checkpoint that belongs to it: restore the checkpoint topic, or run with `rebuild`.',
} as const;
