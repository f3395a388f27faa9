-- Messages that were refused, with the reason and the bytes as they came. Nothing here is ever billed.

CREATE TABLE IF NOT EXISTS {{database}}.dead_letters {{on_cluster}}
(
    source LowCardinality(String) COMMENT 'Who numbered the message; @ and the origin topic when its identity could not be read',
    sequence UInt64 COMMENT 'Its number; the origin offset when its identity could not be read',
    log_topic LowCardinality(String) COMMENT 'Topic that the row was written from',
    log_partition UInt32 COMMENT 'Partition of that topic',
    epoch UInt64 COMMENT 'Epoch of the writer that inserted the row; an older one than the fence is refused',
    code LowCardinality(String) COMMENT 'Why the message was refused',
    message String COMMENT 'The reason in words',
    origin_topic LowCardinality(String) COMMENT 'Topic that the message was first refused in',
    origin_partition UInt32 COMMENT 'Partition of that topic',
    origin_offset UInt64 COMMENT 'Offset in that partition',
    record_key String COMMENT 'Key of the message',
    headers Map(LowCardinality(String), String) COMMENT 'Headers of the message',
    original_base64 String EPHEMERAL COMMENT 'How the bytes are inserted: JSON cannot carry them',
    original_bytes String DEFAULT base64Decode(original_base64) COMMENT 'The message as it came',
    recorded_at DateTime64(3, 'UTC') COMMENT 'When the log took the record that the row was written from',

    PROJECTION completeness
    (
        SELECT
            source,
            log_partition,
            log_topic,
            count(),
            min(sequence),
            max(sequence),
            groupBitmapState(sequence)
        GROUP BY source, log_partition, log_topic
    ),

    CONSTRAINT fence CHECK epoch >= joinGet('{{database_name}}.fence', 'epoch', log_topic, log_partition)
)
ENGINE = {{engine:MergeTree}}
PARTITION BY toYYYYMM(recorded_at)
ORDER BY (code, recorded_at)
COMMENT 'One row per refused message';
