-- Corrections: who posted them and why; and what the ledger said at a time, before later ones were posted.

CREATE OR REPLACE VIEW {{database}}.statements {{on_cluster}} AS
SELECT
    source,
    JSONExtractString(statement, 'kind') AS kind,
    posted_at,
    JSONExtractString(statement, 'by') AS posted_by,
    JSONExtractString(statement, 'note') AS note,
    parseDateTime64BestEffort(JSONExtractString(statement, 'from'), 3, 'UTC') AS period_from,
    parseDateTime64BestEffort(JSONExtractString(statement, 'to'), 3, 'UTC') AS period_to,
    JSONExtractString(statement, 'reopen') AS reopen_reason,
    arrayMap(period -> (
        JSONExtractString(period, 'id'),
        JSONExtractString(period, 'tenant'),
        parseDateTime64BestEffort(JSONExtractString(period, 'from'), 3, 'UTC'),
        parseDateTime64BestEffort(JSONExtractString(period, 'to'), 3, 'UTC')
    ), JSONExtractArrayRaw(statement, 'reopened')) AS reopened_periods,
    JSONExtract(statement, 'details', 'Map(String, String)') AS details,
    lines
FROM
(
    SELECT
        source,
        argMax(sources.statement, sources.at) AS statement,
        argMax(opened_at, sources.at) AS posted_at,
        argMax(arraySum(mapValues(numbered)), sources.at) AS lines
    FROM {{database}}.sources
    WHERE sources.statement != ''
    GROUP BY source
)
COMMENT 'Corrections that were posted together: by whom, why, of which period, and made of what';

CREATE OR REPLACE VIEW {{database}}.corrections {{on_cluster}} AS
SELECT
    e.event_id AS event_id,
    e.adjusts_event_id AS adjusts_event_id,
    e.kind AS kind,
    e.source AS source,
    e.recorded_at AS recorded_at,
    e.occurred_at AS occurred_at,
    e.day AS day,
    e.tenant_id AS tenant_id,
    e.project_id AS project_id,
    e.team AS team,
    e.feature AS feature,
    e.provider AS provider,
    e.served_model AS served_model,
    e.cost_usd AS cost_usd,
    e.list_cost_usd AS list_cost_usd,
    e.billable_usd AS billable_usd,
    e.saved_usd AS saved_usd,
    e.currency AS currency,
    e.billable_amount AS billable_amount,
    e.price_version AS price_version,
    s.kind AS statement_kind,
    s.posted_by AS posted_by,
    s.note AS note,
    s.reopen_reason AS reopen_reason,
    arrayExists(period -> period.2 IN ('', e.tenant_id) AND e.occurred_at >= period.3 AND e.occurred_at < period.4, s.reopened_periods) AS in_closed_period
FROM {{database}}.usage_events AS e
LEFT JOIN {{database}}.statements AS s ON e.source = s.source
WHERE e.adjusts_event_id IS NOT NULL AND e.kind != 'import'
COMMENT 'One row per correction of an event: by how much, who posted it and why, and whether the period was closed';

-- What was believed at a time: of rows that were recorded by then. `SELECT … FROM cost_as_of(as_of = '2026-11-05 00:00:00')`.
CREATE OR REPLACE VIEW {{database}}.cost_as_of {{on_cluster}} AS
SELECT
    day,
    tenant_id,
    project_id,
    team,
    application,
    environment,
    feature,
    surface,
    provider,
    served_model,
    currency,
    countIf(kind = 'usage') AS events,
    sum(unpriced) AS events_unpriced,
    sum(e.cost_usd) AS cost_usd,
    sum(e.list_cost_usd) AS list_cost_usd,
    sum(e.billable_usd) AS billable_usd,
    sum(e.saved_usd) AS saved_usd,
    sum(e.billable_amount) AS billable_amount
FROM {{database}}.usage_events AS e
WHERE e.recorded_at <= {as_of:DateTime64(3, 'UTC')}
GROUP BY day, tenant_id, project_id, team, application, environment, feature, surface, provider, served_model, currency
COMMENT 'What the ledger said at a time, by day: the parameter is as_of';

CREATE OR REPLACE VIEW {{database}}.events_as_of {{on_cluster}} AS
SELECT
    event_id,
    max(e.occurred_at) AS occurred_at,
    max(e.recorded_at) AS believed_since,
    count() - 1 AS corrections,
    any(e.tenant_id) AS tenant_id,
    any(e.served_model) AS served_model,
    argMax(e.price_version, e.recorded_at) AS price_version,
    if(sum(unpriced) > 0, NULL, sum(e.cost_usd)) AS cost_usd,
    if(sum(list_unpriced) > 0, NULL, sum(e.list_cost_usd)) AS list_cost_usd,
    if(sum(billable_unpriced) > 0, NULL, sum(e.billable_usd)) AS billable_usd,
    sum(e.saved_usd) AS saved_usd
FROM {{database}}.usage_events AS e
WHERE e.recorded_at <= {as_of:DateTime64(3, 'UTC')} AND e.kind IN ('usage', 'import', 'rerate')
GROUP BY if(e.kind = 'rerate', ifNull(e.adjusts_event_id, e.event_id), e.event_id) AS event_id
COMMENT 'What the ledger said of each event at a time, its corrections by then included: the parameter is as_of';
