-- The fence: which epoch may write a partition of a topic. Every table of the ledger refuses rows of an older epoch.

-- A row here only ever rises: a late raise of an older owner is refused by `up`.
-- `join_any_take_last_row` makes the newest raise the one that joinGet reads; without it the first would stay for ever.
-- A missing row reads 0, so an owner raises the fence before its first insert.
CREATE TABLE IF NOT EXISTS {{database}}.fence {{on_cluster}}
(
    stream String COMMENT 'Topic whose records are written',
    log_partition UInt32 COMMENT 'Partition of that topic',
    epoch UInt64 COMMENT 'Oldest epoch that may still write: the newest owner''s',
    CONSTRAINT up CHECK epoch >= joinGet('{{database_name}}.fence', 'epoch', stream, log_partition)
)
ENGINE = Join(ANY, LEFT, stream, log_partition)
SETTINGS join_any_take_last_row = 1
COMMENT 'Which epoch may write a partition of a topic; read with joinGet';
