-- One row per upstream call: where questions per model and per channel go, since a request may try several.

CREATE OR REPLACE VIEW {{database}}.usage_attempts {{on_cluster}} AS
SELECT
    e.event_id AS event_id,
    e.request_id AS request_id,
    e.kind AS kind,
    e.occurred_at AS occurred_at,
    e.minute AS minute,
    e.hour AS hour,
    e.day AS day,
    e.tenant_id AS tenant_id,
    e.project_id AS project_id,
    e.owner_id AS owner_id,
    e.team AS team,
    e.virtual_key_id AS virtual_key_id,
    e.application AS application,
    e.environment AS environment,
    e.feature AS feature,
    e.surface AS surface,
    e.outcome AS outcome,
    attempt,
    a.attempt_id AS attempt_id,
    a.channel_id AS channel_id,
    a.provider AS provider,
    a.requested_model AS requested_model,
    a.served_model AS served_model,
    a.service_tier AS service_tier,
    a.region AS region,
    a.started_at AS started_at,
    a.completed_at AS completed_at,
    a.time_to_first_byte_ms AS time_to_first_byte_ms,
    a.http_status AS http_status,
    a.error_class AS error_class,
    a.upstream_request_id AS upstream_request_id,
    a.uncached_input_tokens AS uncached_input_tokens,
    a.cache_read_tokens AS cache_read_tokens,
    a.cache_write_5m_tokens AS cache_write_5m_tokens,
    a.cache_write_1h_tokens AS cache_write_1h_tokens,
    a.input_audio_tokens AS input_audio_tokens,
    a.cached_audio_tokens AS cached_audio_tokens,
    a.input_image_tokens AS input_image_tokens,
    a.visible_output_tokens AS visible_output_tokens,
    a.reasoning_tokens AS reasoning_tokens,
    a.output_audio_tokens AS output_audio_tokens,
    a.output_image_tokens AS output_image_tokens,
    a.web_search_requests AS web_search_requests,
    a.images AS images,
    a.audio_seconds AS audio_seconds,
    a.characters AS characters,
    if(a.usage_reason = '', ifNull(a.uncached_input_tokens, 0) + ifNull(a.cache_read_tokens, 0) + ifNull(a.cache_write_5m_tokens, 0) + ifNull(a.cache_write_1h_tokens, 0) + ifNull(a.input_audio_tokens, 0) + ifNull(a.cached_audio_tokens, 0) + ifNull(a.input_image_tokens, 0), NULL) AS input_tokens,
    if(a.usage_reason = '', ifNull(a.visible_output_tokens, 0) + ifNull(a.reasoning_tokens, 0) + ifNull(a.output_audio_tokens, 0) + ifNull(a.output_image_tokens, 0), NULL) AS output_tokens,
    if(a.usage_reason = '', ifNull(a.uncached_input_tokens, 0) + ifNull(a.cache_read_tokens, 0) + ifNull(a.cache_write_5m_tokens, 0) + ifNull(a.cache_write_1h_tokens, 0) + ifNull(a.input_audio_tokens, 0) + ifNull(a.cached_audio_tokens, 0) + ifNull(a.input_image_tokens, 0) + ifNull(a.visible_output_tokens, 0) + ifNull(a.reasoning_tokens, 0) + ifNull(a.output_audio_tokens, 0) + ifNull(a.output_image_tokens, 0), NULL) AS total_tokens,
    a.usage_source AS usage_source,
    a.usage_reason AS usage_reason,
    a.usage_flags AS usage_flags,
    a.raw_usage AS raw_usage,
    a.cost_usd AS cost_usd,
    a.unpriced_reason AS unpriced_reason
FROM {{database}}.usage_events AS e
ARRAY JOIN
    attempts AS a,
    arrayEnumerate(`attempts.attempt_id`) AS attempt
COMMENT 'One row per upstream call of an event, failed ones included';

-- Each source numbers its events from 1 without gaps, so what is missing or repeated below the highest number can be seen here.
-- A number is there when it is an event or a dead letter.
CREATE OR REPLACE VIEW {{database}}.completeness {{on_cluster}} AS
SELECT
    source,
    log_partition,
    min(first) AS first_sequence,
    max(last) AS last_sequence,
    sum(count) AS rows,
    bitmapCardinality(groupBitmapMergeState(seen)) AS distinct_sequences,
    last_sequence - distinct_sequences AS missing,
    rows - distinct_sequences AS repeats
FROM
(
    SELECT source, log_partition, count() AS count, min(sequence) AS first, max(sequence) AS last, groupBitmapState(sequence) AS seen
    FROM {{database}}.usage_events
    GROUP BY source, log_partition
    UNION ALL
    SELECT source, log_partition, count() AS count, min(sequence) AS first, max(sequence) AS last, groupBitmapState(sequence) AS seen
    FROM {{database}}.dead_letters
    WHERE NOT startsWith(source, '@')
    GROUP BY source, log_partition
)
GROUP BY source, log_partition
COMMENT 'Which numbers of each source are there: one row per source and partition';
