-- Who changed which document, when, and what it was before and after. Never a secret, nor the hash of one.
-- A change is void when a row of action `void` names it in `voids`: it was written by a registry that was not the owner any more, and never took effect.

CREATE TABLE IF NOT EXISTS {{database}}.audit_log {{on_cluster}}
(
    change_id String COMMENT 'The change, which may touch several documents at once',
    n UInt32 COMMENT 'Number of the row within its change, from 1',
    log_topic LowCardinality(String) COMMENT 'Topic that the row was written from',
    log_partition UInt32 COMMENT 'Partition of that topic',
    log_offset UInt64 COMMENT 'Offset of the record: the order in which changes took effect',
    epoch UInt64 COMMENT 'Epoch of the writer that inserted the row; an older one than the fence is refused',
    registry_epoch UInt64 COMMENT 'Epoch of the registry that made the change',
    changed_at DateTime64(3, 'UTC') COMMENT 'When the change was made, by the clock of the registry',
    changed_by LowCardinality(String) COMMENT 'Name of the admin token; registry for what it does by itself',
    managed_by LowCardinality(String) COMMENT 'api, or config for documents of the config file',
    action LowCardinality(String) COMMENT 'create, update, delete, rotate, revoke or void; of sources close, of statements post',
    kind LowCardinality(String) COMMENT 'Kind of the document',
    id String COMMENT 'Its id within the kind',
    tenant_id LowCardinality(String) COMMENT 'Tenant that the document belongs to; empty where it belongs to none',
    version_before UInt64 COMMENT 'Version before the change; 0 where there was none',
    version_after UInt64 COMMENT 'Version after the change',
    before String COMMENT 'The document before, as JSON; empty where there was none',
    after String COMMENT 'The document after, as JSON; empty when it was deleted',
    note String COMMENT 'Why, in the words of whoever changed it',
    voids String COMMENT 'The change that never took effect; empty for every other action',
    recorded_at DateTime64(3, 'UTC') COMMENT 'When the log took the record that the row was written from',

    INDEX change change_id TYPE bloom_filter GRANULARITY 4,

    CONSTRAINT fence CHECK epoch >= joinGet('{{database_name}}.fence', 'epoch', log_topic, log_partition)
)
ENGINE = {{engine:MergeTree}}
PARTITION BY toYear(changed_at)
ORDER BY (kind, id, changed_at)
COMMENT 'One row per document that a change touched';
