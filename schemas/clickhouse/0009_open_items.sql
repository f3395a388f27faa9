-- What was handed in and is not known to be done: background responses and batches, whose usage the provider states later under a name of its own.
-- A response is done when its event is there, a batch when the last line of its results is. Whoever is not paid for by a row yet stands here.

CREATE OR REPLACE VIEW {{database}}.open_items {{on_cluster}} AS
SELECT
    event_id,
    request_id,
    occurred_at AS submitted_at,
    dateDiff('second', occurred_at, now64(3)) AS age_seconds,
    tenant_id,
    project_id,
    owner_id,
    team,
    virtual_key_id,
    application,
    environment,
    feature,
    surface,
    provider,
    channel_id,
    requested_model,
    upstream_request_id AS result_id
FROM {{database}}.usage_events
WHERE kind = 'usage'
    AND usage_reason = 'reported_later'
    AND (provider, channel_id, upstream_request_id) GLOBAL NOT IN
    (
        SELECT provider, channel_id, upstream_request_id
        FROM {{database}}.usage_events
        WHERE kind = 'import' AND route_reason IN ('background_response', 'batch_last_line')
    )
COMMENT 'Batches and background responses that were handed in and whose results were not seen: one row per submission';
