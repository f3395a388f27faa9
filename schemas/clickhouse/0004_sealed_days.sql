-- Days that are over, summed: they outlive the raw rows. A day is one partition of `usage_sealed`, built beside it and swapped in as a whole, so that it is
-- there either as it was or as it is to be. Two kinds of rows belong together and are swapped together:
--   `sums`     one row per group of the rollups, with the number of raw rows in it;
--   `numbers`  of a day and tenant whose raw rows may leave: which numbers of each source and partition are in the sums. What has such a number is in the
--               ledger already, whether its raw row is still there or not.

CREATE TABLE IF NOT EXISTS {{database}}.usage_sealed {{on_cluster}}
(
    day Date COMMENT 'Day of occurred_at, in UTC',
    row_kind Enum8('sums' = 1, 'numbers' = 2) COMMENT 'Sums of a group, or the numbers that are in the sums of a tenant',
    tenant_id LowCardinality(String) COMMENT 'Who pays',
    retired Bool COMMENT 'Whether these sums count in place of the raw rows of this day and tenant, which leave',
    base_rows UInt64 COMMENT 'How many raw rows are in the sums, or how many numbers in the set',
    epoch UInt64 COMMENT 'Epoch of the writer that sealed the day',
    sealed_at DateTime64(3, 'UTC') COMMENT 'When the day was sealed, by the clock of the writer',
    -- numbers
    source LowCardinality(String) COMMENT 'Who numbered the event: one opening of a journal, or one statement',
    log_partition UInt32 COMMENT 'Partition of the topic of usage',
    numbers AggregateFunction(groupBitmap, UInt64) COMMENT 'Numbers that are in the sums',
    -- sums
    project_id LowCardinality(String) COMMENT 'What for',
    owner_id LowCardinality(String) COMMENT 'Who answers for it',
    team LowCardinality(String) COMMENT 'Team of the owner',
    virtual_key_id LowCardinality(String) COMMENT 'Credential that the request came with',
    application LowCardinality(String) COMMENT 'Application that sent the request',
    environment LowCardinality(String) COMMENT 'production, staging and so on',
    feature LowCardinality(String) COMMENT 'Feature of the application',
    settlement_kind LowCardinality(String) COMMENT 'What pays: credits, wallet or cost_center',
    settlement_id LowCardinality(String) COMMENT 'Which balance pays',
    surface LowCardinality(String) COMMENT 'Provider API as the client spoke it, e.g. openai.chat',
    provider LowCardinality(String) COMMENT 'Provider of the attempt that answered',
    served_model LowCardinality(String) COMMENT 'Model that answered',
    outcome LowCardinality(String) COMMENT 'ok, client_aborted, upstream_error, timed_out, refused_*, cache_hit or unresolved',
    currency LowCardinality(String) COMMENT 'Currency that the tenant is charged in (ISO 4217)',
    events UInt64 COMMENT 'Events of kind usage',
    events_usage_unknown UInt64 COMMENT 'Of these, how many have an unknown usage',
    events_usage_estimated UInt64 COMMENT 'Of these, how many have an estimated usage',
    events_unpriced Int64 COMMENT 'Of these, and of imports, how many have an unknown cost',
    events_list_unpriced Int64 COMMENT 'Of these, how many have an unknown cost by the price book alone',
    events_billable_unpriced Int64 COMMENT 'Of these, of how many it is unknown what the tenant pays',
    events_not_forwarded UInt64 COMMENT 'Of these, how many were never forwarded',
    attempts_usage_unknown UInt64 COMMENT 'Attempts whose usage is unknown',
    attempts_unpriced Int64 COMMENT 'Attempts whose cost is unknown',
    cost_usd Nullable(Decimal(38, 12)) COMMENT 'What we pay: sum of what is known',
    list_cost_usd Nullable(Decimal(38, 12)) COMMENT 'By the price book alone: sum of what is known',
    billable_usd Nullable(Decimal(38, 12)) COMMENT 'What the tenant pays: sum of what is known',
    saved_usd Nullable(Decimal(38, 12)) COMMENT 'What caching saved us: sum of what is known',
    billable_amount Nullable(Decimal(38, 12)) COMMENT 'What the tenant pays, in its currency: sum of what is known',
    uncached_input_tokens Nullable(Int64) COMMENT 'Input tokens read at the full price',
    cache_read_tokens Nullable(Int64) COMMENT 'Input tokens read from a prompt cache',
    cache_write_5m_tokens Nullable(Int64) COMMENT 'Input tokens written to a five-minute prompt cache',
    cache_write_1h_tokens Nullable(Int64) COMMENT 'Input tokens written to a one-hour prompt cache',
    input_audio_tokens Nullable(Int64) COMMENT 'Audio input tokens that were not cached',
    cached_audio_tokens Nullable(Int64) COMMENT 'Audio input tokens read from a prompt cache',
    input_image_tokens Nullable(Int64) COMMENT 'Image input tokens that were not cached',
    visible_output_tokens Nullable(Int64) COMMENT 'Output tokens of text that the client could read',
    reasoning_tokens Nullable(Int64) COMMENT 'Output tokens spent on reasoning',
    output_audio_tokens Nullable(Int64) COMMENT 'Audio output tokens',
    output_image_tokens Nullable(Int64) COMMENT 'Image output tokens',
    web_search_requests Nullable(Int64) COMMENT 'Web searches that the provider made',
    images Nullable(Int64) COMMENT 'Images that the provider made',
    audio_seconds Nullable(Int64) COMMENT 'Seconds of audio',
    characters Nullable(Int64) COMMENT 'Characters that the provider bills by'
)
ENGINE = {{engine_everywhere:MergeTree}}
PARTITION BY day
ORDER BY (row_kind, source, log_partition, tenant_id)
COMMENT 'Sealed days: sums, and the numbers that are in them';

-- The sums alone, for people.
CREATE OR REPLACE VIEW {{database}}.usage_daily {{on_cluster}} AS
SELECT
    day,
    tenant_id,
    project_id,
    owner_id,
    team,
    virtual_key_id,
    application,
    environment,
    feature,
    settlement_kind,
    settlement_id,
    surface,
    provider,
    served_model,
    outcome,
    currency,
    events,
    events_usage_unknown,
    events_usage_estimated,
    events_unpriced,
    events_list_unpriced,
    events_billable_unpriced,
    events_not_forwarded,
    attempts_usage_unknown,
    attempts_unpriced,
    cost_usd,
    list_cost_usd,
    billable_usd,
    saved_usd,
    billable_amount,
    if(coalesce(uncached_input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, input_audio_tokens, cached_audio_tokens, input_image_tokens) IS NULL, NULL, ifNull(uncached_input_tokens, 0) + ifNull(cache_read_tokens, 0) + ifNull(cache_write_5m_tokens, 0) + ifNull(cache_write_1h_tokens, 0) + ifNull(input_audio_tokens, 0) + ifNull(cached_audio_tokens, 0) + ifNull(input_image_tokens, 0)) AS input_tokens,
    if(coalesce(visible_output_tokens, reasoning_tokens, output_audio_tokens, output_image_tokens) IS NULL, NULL, ifNull(visible_output_tokens, 0) + ifNull(reasoning_tokens, 0) + ifNull(output_audio_tokens, 0) + ifNull(output_image_tokens, 0)) AS output_tokens,
    if(coalesce(uncached_input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, input_audio_tokens, cached_audio_tokens, input_image_tokens, visible_output_tokens, reasoning_tokens, output_audio_tokens, output_image_tokens) IS NULL, NULL, ifNull(uncached_input_tokens, 0) + ifNull(cache_read_tokens, 0) + ifNull(cache_write_5m_tokens, 0) + ifNull(cache_write_1h_tokens, 0) + ifNull(input_audio_tokens, 0) + ifNull(cached_audio_tokens, 0) + ifNull(input_image_tokens, 0) + ifNull(visible_output_tokens, 0) + ifNull(reasoning_tokens, 0) + ifNull(output_audio_tokens, 0) + ifNull(output_image_tokens, 0)) AS total_tokens,
    uncached_input_tokens,
    cache_read_tokens,
    cache_write_5m_tokens,
    cache_write_1h_tokens,
    input_audio_tokens,
    cached_audio_tokens,
    input_image_tokens,
    visible_output_tokens,
    reasoning_tokens,
    output_audio_tokens,
    output_image_tokens,
    web_search_requests,
    images,
    audio_seconds,
    characters,
    base_rows,
    retired
FROM
(
    SELECT
        day,
        tenant_id,
        project_id,
        owner_id,
        team,
        virtual_key_id,
        application,
        environment,
        feature,
        settlement_kind,
        settlement_id,
        surface,
        provider,
        served_model,
        outcome,
        currency,
        sum(s.events) AS events,
        sum(s.events_usage_unknown) AS events_usage_unknown,
        sum(s.events_unpriced) AS events_unpriced,
        sum(s.events_list_unpriced) AS events_list_unpriced,
        sum(s.events_billable_unpriced) AS events_billable_unpriced,
        sum(s.events_not_forwarded) AS events_not_forwarded,
        sum(s.events_usage_estimated) AS events_usage_estimated,
        sum(s.attempts_usage_unknown) AS attempts_usage_unknown,
        sum(s.attempts_unpriced) AS attempts_unpriced,
        sum(s.cost_usd) AS cost_usd,
        sum(s.list_cost_usd) AS list_cost_usd,
        sum(s.billable_usd) AS billable_usd,
        sum(s.saved_usd) AS saved_usd,
        sum(s.billable_amount) AS billable_amount,
        sum(s.uncached_input_tokens) AS uncached_input_tokens,
        sum(s.cache_read_tokens) AS cache_read_tokens,
        sum(s.cache_write_5m_tokens) AS cache_write_5m_tokens,
        sum(s.cache_write_1h_tokens) AS cache_write_1h_tokens,
        sum(s.input_audio_tokens) AS input_audio_tokens,
        sum(s.cached_audio_tokens) AS cached_audio_tokens,
        sum(s.input_image_tokens) AS input_image_tokens,
        sum(s.visible_output_tokens) AS visible_output_tokens,
        sum(s.reasoning_tokens) AS reasoning_tokens,
        sum(s.output_audio_tokens) AS output_audio_tokens,
        sum(s.output_image_tokens) AS output_image_tokens,
        sum(s.web_search_requests) AS web_search_requests,
        sum(s.images) AS images,
        sum(s.audio_seconds) AS audio_seconds,
        sum(s.characters) AS characters,
        sum(s.base_rows) AS base_rows,
        max(s.retired) AS retired
    FROM {{database}}.usage_sealed AS s
    WHERE row_kind = 'sums'
    GROUP BY day, tenant_id, project_id, owner_id, team, virtual_key_id, application, environment, feature, settlement_kind, settlement_id, surface, provider, served_model, outcome, currency
)
COMMENT 'Usage and cost of days that are over and sealed';

-- Which numbers of each source are in sealed sums in place of a raw row. A raw row of such a number is about to leave.
CREATE OR REPLACE VIEW {{database}}.retired_numbers {{on_cluster}} AS
SELECT
    source,
    log_partition,
    groupBitmapMergeState(numbers) AS seen
FROM {{database}}.usage_sealed
WHERE row_kind = 'numbers'
GROUP BY source, log_partition
COMMENT 'Numbers whose raw rows have left: one row per source and partition';
