-- Who numbers events, as the sources say it themselves; and which numbers are there, with the ranges that are not.

-- The newest of a source's statements counts: read it with argMax(…, at), as `completeness` does.
CREATE TABLE IF NOT EXISTS {{database}}.sources {{on_cluster}}
(
    source String COMMENT 'One opening of a journal, or one statement',
    instance String COMMENT 'Host and process that numbers its events',
    opened_at DateTime64(3, 'UTC') COMMENT 'When it began',
    at DateTime64(3, 'UTC') COMMENT 'When it said this',
    closed Bool COMMENT 'Whether no number follows any more',
    closed_by String COMMENT 'Who closed it in place of its ingress, whose journal is lost; empty when nobody did',
    note String COMMENT 'Why, in the words of whoever closed it',
    open_requests UInt64 COMMENT 'Requests that had no number yet',
    numbered Map(UInt32, UInt64) COMMENT 'By partition: the highest number that was safe in its journal',
    statement String COMMENT 'Of a statement: who posted it, why and of what it is, as JSON; empty for every other source',
    log_topic LowCardinality(String) COMMENT 'Topic that the row was written from',
    log_partition UInt32 COMMENT 'Partition of that topic',
    epoch UInt64 COMMENT 'Epoch of the writer that inserted the row; an older one than the fence is refused',

    CONSTRAINT fence CHECK epoch >= joinGet('{{database_name}}.fence', 'epoch', log_topic, log_partition)
)
ENGINE = {{engine:ReplacingMergeTree(at)}}
ORDER BY source
COMMENT 'What each source said last: how far it is numbered, whether it is closed';

-- Each source numbers its events from 1 without gaps, so everything that is missing or repeated up to its last announcement can be seen here.
-- A number is there when it is an event, a dead letter, or in a sealed day whose raw rows have left. Counts and bitmaps come from projections; numbers
-- are listed only where they differ.
CREATE OR REPLACE VIEW {{database}}.completeness {{on_cluster}} AS
SELECT
    source,
    log_partition,
    first_sequence,
    last_sequence,
    announced_sequence,
    raw_rows + distinct_sequences - raw_distinct AS rows,
    distinct_sequences,
    upper - distinct_sequences AS missing,
    upper - last_sequence AS awaited,
    raw_rows - raw_distinct AS repeats,
    arrayMap((next, step) -> (toUInt64(next - step + 1), toUInt64(next - 1)), arrayFilter((next, step) -> step > 1, edges, steps), arrayFilter(step -> step > 1, steps)) AS missing_ranges,
    closed
FROM
(
    SELECT
        source,
        log_partition,
        ifNull(first_seen, 0) AS first_sequence,
        last_seen AS last_sequence,
        announced AS announced_sequence,
        closed,
        raw_rows,
        bitmapCardinality(raw_numbers) AS raw_distinct,
        bitmapOr(raw_numbers, retired_numbers) AS numbers,
        bitmapCardinality(numbers) AS distinct_sequences,
        greatest(last_seen, ifNull(announced, 0)) AS upper,
        if(upper = distinct_sequences, 0, upper + 1) AS listed,
        arrayConcat([toUInt64(0)], arraySort(bitmapToArray(bitmapSubsetInRange(numbers, toUInt64(0), listed))), if(listed = 0, [], [listed])) AS edges,
        arrayDifference(edges) AS steps
    FROM
    (
        SELECT
            source,
            log_partition,
            min(first) AS first_seen,
            max(last) AS last_seen,
            max(announced) AS announced,
            max(closed) AS closed,
            sum(count) AS raw_rows,
            groupBitmapMergeStateIf(seen, raw) AS raw_numbers,
            groupBitmapMergeStateIf(seen, NOT raw) AS retired_numbers
        FROM
        (
            SELECT source, log_partition, true AS raw, count() AS count, toNullable(min(sequence)) AS first, max(sequence) AS last, groupBitmapState(sequence) AS seen, NULL AS announced, NULL AS closed
            FROM {{database}}.usage_events
            GROUP BY source, log_partition
            UNION ALL
            SELECT source, log_partition, true AS raw, count() AS count, toNullable(min(sequence)) AS first, max(sequence) AS last, groupBitmapState(sequence) AS seen, NULL AS announced, NULL AS closed
            FROM {{database}}.dead_letters
            WHERE NOT startsWith(source, '@')
            GROUP BY source, log_partition
            UNION ALL
            SELECT source, log_partition, false AS raw, 0 AS count, toNullable(bitmapMin(seen)) AS first, bitmapMax(seen) AS last, seen, NULL AS announced, NULL AS closed
            FROM {{database}}.retired_numbers
            UNION ALL
            SELECT source, lane.1 AS log_partition, false AS raw, 0 AS count, NULL AS first, 0 AS last, bitmapBuild(CAST([], 'Array(UInt64)')) AS seen, toNullable(lane.2) AS announced, toNullable(closed) AS closed
            FROM
            (
                SELECT source, argMax(numbered, at) AS numbered, argMax(closed, at) AS closed
                FROM {{database}}.sources
                GROUP BY source
            )
            ARRAY JOIN CAST(numbered, 'Array(Tuple(UInt32, UInt64))') AS lane
        )
        GROUP BY source, log_partition
    )
)
COMMENT 'Which numbers of each source are there, and which are missing up to its last announcement: one row per source and partition';
