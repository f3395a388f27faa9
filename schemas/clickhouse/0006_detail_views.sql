-- One row per upstream call: where questions per model and per channel go, since a request may try several.

CREATE OR REPLACE VIEW {{database}}.usage_attempts {{on_cluster}} AS
SELECT
    e.event_id AS event_id,
    e.request_id AS request_id,
    e.kind AS kind,
    e.occurred_at AS occurred_at,
    e.recorded_at AS recorded_at,
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
    if(coalesce(a.uncached_input_tokens, a.cache_read_tokens, a.cache_write_5m_tokens, a.cache_write_1h_tokens, a.input_audio_tokens, a.cached_audio_tokens, a.input_image_tokens) IS NULL, NULL, ifNull(a.uncached_input_tokens, 0) + ifNull(a.cache_read_tokens, 0) + ifNull(a.cache_write_5m_tokens, 0) + ifNull(a.cache_write_1h_tokens, 0) + ifNull(a.input_audio_tokens, 0) + ifNull(a.cached_audio_tokens, 0) + ifNull(a.input_image_tokens, 0)) AS input_tokens,
    if(coalesce(a.visible_output_tokens, a.reasoning_tokens, a.output_audio_tokens, a.output_image_tokens) IS NULL, NULL, ifNull(a.visible_output_tokens, 0) + ifNull(a.reasoning_tokens, 0) + ifNull(a.output_audio_tokens, 0) + ifNull(a.output_image_tokens, 0)) AS output_tokens,
    if(coalesce(a.uncached_input_tokens, a.cache_read_tokens, a.cache_write_5m_tokens, a.cache_write_1h_tokens, a.input_audio_tokens, a.cached_audio_tokens, a.input_image_tokens, a.visible_output_tokens, a.reasoning_tokens, a.output_audio_tokens, a.output_image_tokens) IS NULL, NULL, ifNull(a.uncached_input_tokens, 0) + ifNull(a.cache_read_tokens, 0) + ifNull(a.cache_write_5m_tokens, 0) + ifNull(a.cache_write_1h_tokens, 0) + ifNull(a.input_audio_tokens, 0) + ifNull(a.cached_audio_tokens, 0) + ifNull(a.input_image_tokens, 0) + ifNull(a.visible_output_tokens, 0) + ifNull(a.reasoning_tokens, 0) + ifNull(a.output_audio_tokens, 0) + ifNull(a.output_image_tokens, 0)) AS total_tokens,
    a.usage_source AS usage_source,
    a.usage_basis AS usage_basis,
    a.usage_reason AS usage_reason,
    a.usage_flags AS usage_flags,
    a.raw_usage AS raw_usage,
    a.cost_usd AS cost_usd,
    a.list_cost_usd AS list_cost_usd,
    a.billable_usd AS billable_usd,
    a.saved_usd AS saved_usd,
    a.contract AS contract,
    a.unpriced_reason AS unpriced_reason,
    a.price_candidates AS price_candidates,
    e.price_version AS price_version
FROM {{database}}.usage_events AS e
ARRAY JOIN
    attempts AS a,
    arrayEnumerate(`attempts.attempt_id`) AS attempt
COMMENT 'One row per upstream call of an event, failed ones included';
;

-- What has no price: per model and reason, since when, how much of it, and which names of the price book are near. An attempt leaves it once a correction gave
-- it a price (`repriced`), and is back when a later one took that away again. What has no usage is not here: no price would help.

CREATE OR REPLACE VIEW {{database}}.unpriced {{on_cluster}} AS
SELECT
    provider,
    model,
    service_tier,
    region,
    reason,
    min(occurred_at) AS since,
    max(occurred_at) AS until,
    uniqExact(event) AS events,
    count() AS attempts,
    uniqExact(tenant) AS tenants,
    sum(input) AS input_tokens,
    sum(output) AS output_tokens,
    sum(total) AS total_tokens,
    arraySort(groupUniqArrayArray(near)) AS candidates
FROM
(
    SELECT
        if(e.kind = 'rerate', ifNull(e.adjusts_event_id, e.event_id), e.event_id) AS event,
        a.attempt_id AS attempt_id,
        argMax(a.provider, e.recorded_at) AS provider,
        argMax(if(a.served_model = '', a.requested_model, a.served_model), e.recorded_at) AS model,
        argMax(a.service_tier, e.recorded_at) AS service_tier,
        argMax(a.region, e.recorded_at) AS region,
        argMaxIf(a.unpriced_reason, e.recorded_at, a.unpriced_reason != 'repriced') AS reason,
        any(e.tenant_id) AS tenant,
        min(e.occurred_at) AS occurred_at,
        sumIf(if(coalesce(a.uncached_input_tokens, a.cache_read_tokens, a.cache_write_5m_tokens, a.cache_write_1h_tokens, a.input_audio_tokens, a.cached_audio_tokens, a.input_image_tokens) IS NULL, NULL, ifNull(a.uncached_input_tokens, 0) + ifNull(a.cache_read_tokens, 0) + ifNull(a.cache_write_5m_tokens, 0) + ifNull(a.cache_write_1h_tokens, 0) + ifNull(a.input_audio_tokens, 0) + ifNull(a.cached_audio_tokens, 0) + ifNull(a.input_image_tokens, 0)), e.kind IN ('usage', 'import')) AS input,
        sumIf(if(coalesce(a.visible_output_tokens, a.reasoning_tokens, a.output_audio_tokens, a.output_image_tokens) IS NULL, NULL, ifNull(a.visible_output_tokens, 0) + ifNull(a.reasoning_tokens, 0) + ifNull(a.output_audio_tokens, 0) + ifNull(a.output_image_tokens, 0)), e.kind IN ('usage', 'import')) AS output,
        if(input IS NULL AND output IS NULL, NULL, ifNull(input, 0) + ifNull(output, 0)) AS total,
        groupUniqArrayArray(a.price_candidates) AS near,
        countIf(e.kind IN ('usage', 'import')) + countIf(e.kind = 'rerate' AND a.unpriced_reason != 'repriced' AND a.cost_usd IS NOT NULL) - countIf(a.unpriced_reason = 'repriced') AS times_unpriced
    FROM {{database}}.usage_events AS e
    ARRAY JOIN attempts AS a
    WHERE (e.attempts_unpriced > 0 OR e.kind = 'rerate') AND a.unpriced_reason IN ('model_unknown', 'price_missing', 'repriced')
    GROUP BY event, attempt_id
    HAVING times_unpriced > 0
)
GROUP BY provider, model, service_tier, region, reason
COMMENT 'Models whose cost is unknown for want of a price: since when, how much, and which names are near'
