-- What amounts follow from: price books, contracts, rate cards and rates of exchange, so that any of them can be computed again. The writer keeps these tables
-- equal to the documents of the control topic and to its own price book. What is in force never changes; a row may be inserted again, which changes nothing.

CREATE TABLE IF NOT EXISTS {{database}}.price_book_entries {{on_cluster}}
(
    price_version LowCardinality(String) COMMENT 'Content hash of the price book, or of the prices of a contract or a rate card',
    entry_id String COMMENT 'Entry of the line items',
    provider LowCardinality(String) COMMENT 'Whose price it is',
    models Array(String) COMMENT 'Exact names of models',
    dated Array(String) COMMENT 'Names that may be followed by a date',
    prefixes Array(String) COMMENT 'Beginnings of names',
    endings Array(String) COMMENT 'Endings of names',
    containing Array(String) COMMENT 'Parts of names',
    service_tier LowCardinality(String) COMMENT 'Service tier',
    region LowCardinality(String) COMMENT 'Region; empty for any that has no price of its own',
    usage_class LowCardinality(String) COMMENT 'Class of usage that it is the price of',
    also_for Array(LowCardinality(String)) COMMENT 'Classes that are parts of it and have no price apart',
    price_usd Decimal(38, 12) COMMENT 'Price of per_units units',
    per_units Int64 COMMENT 'How many units the price is for',
    above_units Int64 COMMENT 'Of an attempt, the units beyond so many',
    up_to_units Nullable(Int64) COMMENT 'Up to so many; null: all that follow',
    above_input_tokens Int64 COMMENT 'Of requests with more input than this',
    up_to_input_tokens Nullable(Int64) COMMENT 'With at most so much; null: without an end',
    daily LowCardinality(String) COMMENT 'Hours of the day in UTC; empty: all of them',
    effective_from DateTime64(3, 'UTC') COMMENT 'In force from here on',
    effective_to Nullable(DateTime64(3, 'UTC')) COMMENT 'Until just before; null: until further notice',
    source_url String COMMENT 'Page that states it',
    source_date String COMMENT 'Day on which that page was read'
)
ENGINE = {{engine_everywhere:ReplacingMergeTree}}
ORDER BY (price_version, entry_id)
COMMENT 'Every price of every version that events were rated by';

CREATE OR REPLACE VIEW {{database}}.price_book {{on_cluster}} AS
SELECT * FROM {{database}}.price_book_entries FINAL
COMMENT 'Every price of every version that events were rated by';

CREATE TABLE IF NOT EXISTS {{database}}.contract_versions {{on_cluster}}
(
    contract String COMMENT 'Id of the document',
    version UInt64 COMMENT 'Version of the document',
    deleted Bool COMMENT 'Whether it is gone; one that was in force never is',
    provider LowCardinality(String) COMMENT 'With whom',
    channels Array(String) COMMENT 'Channels that it holds for; empty: every channel of the provider',
    effective_from DateTime64(3, 'UTC') COMMENT 'In force from here on',
    effective_to Nullable(DateTime64(3, 'UTC')) COMMENT 'Until just before; null: until another takes over',
    activates_at DateTime64(3, 'UTC') COMMENT 'From here on events are rated by it as they come in',
    discounts Array(Tuple(factor Decimal(38, 12), models Array(String), classes Array(String))) COMMENT 'What is left of the list price; the first that fits a line holds for it',
    volume_tiers Array(Tuple(measure String, models Array(String), classes Array(String), applies_to String, tiers Array(Tuple(above Decimal(38, 12), factor Decimal(38, 12))))) COMMENT 'Of a month (UTC) by this contract, what is left of the part above, or of the whole month once it is above: in USD or tokens, by measure',
    price_version LowCardinality(String) COMMENT 'Content hash of its negotiated prices; empty when it has none'
)
ENGINE = {{engine_everywhere:ReplacingMergeTree(version)}}
ORDER BY contract
COMMENT 'Contracts with providers, by version';

CREATE OR REPLACE VIEW {{database}}.contracts {{on_cluster}} AS
SELECT * EXCEPT deleted FROM {{database}}.contract_versions FINAL WHERE NOT deleted
COMMENT 'What was agreed with providers';

CREATE TABLE IF NOT EXISTS {{database}}.rate_card_versions {{on_cluster}}
(
    rate_card String COMMENT 'Id of the document',
    version UInt64 COMMENT 'Version of the document',
    deleted Bool COMMENT 'Whether it is gone; one that was in force never is',
    tenant_id LowCardinality(String) COMMENT 'Whose it is; empty: of every tenant that has none of its own',
    effective_from DateTime64(3, 'UTC') COMMENT 'In force from here on',
    effective_to Nullable(DateTime64(3, 'UTC')) COMMENT 'Until just before; null: until another takes over',
    activates_at DateTime64(3, 'UTC') COMMENT 'From here on events are rated by it as they come in',
    basis LowCardinality(String) COMMENT 'What the markup is on: list or cost',
    markup Decimal(38, 12) COMMENT '1.2 for 20 % on top',
    currency LowCardinality(String) COMMENT 'Currency that the tenant is charged in (ISO 4217)',
    included Array(Tuple(measure String, models Array(String), classes Array(String), up_to Decimal(38, 12), factor Decimal(38, 12))) COMMENT 'Of a month (UTC) of a tenant, what is left of the price of the first so much: in USD or tokens, by measure',
    price_version LowCardinality(String) COMMENT 'Content hash of the tenants own prices; empty when it has none'
)
ENGINE = {{engine_everywhere:ReplacingMergeTree(version)}}
ORDER BY rate_card
COMMENT 'Rate cards of tenants, by version';

CREATE OR REPLACE VIEW {{database}}.rate_cards {{on_cluster}} AS
SELECT * EXCEPT deleted FROM {{database}}.rate_card_versions FINAL WHERE NOT deleted
COMMENT 'What tenants pay';

CREATE TABLE IF NOT EXISTS {{database}}.fx_rate_versions {{on_cluster}}
(
    fx_rate_id String COMMENT 'Id of the document',
    version UInt64 COMMENT 'Version of the document',
    deleted Bool COMMENT 'Whether it is gone; one that was in force never is',
    currency LowCardinality(String) COMMENT 'Currency (ISO 4217)',
    per_usd Decimal(38, 12) COMMENT 'Units of the currency for one USD',
    effective_from DateTime64(3, 'UTC') COMMENT 'In force from here on, until the next of its currency',
    activates_at DateTime64(3, 'UTC') COMMENT 'From here on events are rated by it as they come in',
    fx_source String COMMENT 'Who stated it'
)
ENGINE = {{engine_everywhere:ReplacingMergeTree(version)}}
ORDER BY fx_rate_id
COMMENT 'Rates of exchange, by version';

CREATE OR REPLACE VIEW {{database}}.fx_rates {{on_cluster}} AS
SELECT * EXCEPT deleted FROM {{database}}.fx_rate_versions FINAL WHERE NOT deleted
COMMENT 'What currencies are worth';

-- One row per line item of an event: a class of an attempt at its price.
CREATE OR REPLACE VIEW {{database}}.usage_line_items {{on_cluster}} AS
SELECT
    e.event_id AS event_id,
    e.kind AS kind,
    e.adjusts_event_id AS adjusts_event_id,
    e.occurred_at AS occurred_at,
    e.recorded_at AS recorded_at,
    e.hour AS hour,
    e.day AS day,
    e.tenant_id AS tenant_id,
    e.project_id AS project_id,
    e.owner_id AS owner_id,
    e.team AS team,
    e.application AS application,
    e.environment AS environment,
    e.feature AS feature,
    l.attempt AS attempt,
    e.`attempts.channel_id`[l.attempt] AS channel_id,
    e.`attempts.provider`[l.attempt] AS provider,
    if(e.`attempts.served_model`[l.attempt] = '', e.`attempts.requested_model`[l.attempt], e.`attempts.served_model`[l.attempt]) AS model,
    e.`attempts.service_tier`[l.attempt] AS service_tier,
    e.`attempts.region`[l.attempt] AS region,
    e.`attempts.unpriced_reason`[l.attempt] AS unpriced_reason,
    e.`attempts.cost_usd`[l.attempt] AS attempt_cost_usd,
    e.`attempts.list_cost_usd`[l.attempt] AS attempt_list_cost_usd,
    e.`attempts.billable_usd`[l.attempt] AS attempt_billable_usd,
    l.part_of AS part_of,
    l.usage_class AS usage_class,
    multiIf(
        l.usage_class = 'uncached_input', e.`attempts.uncached_input_tokens`[l.attempt],
        l.usage_class = 'cache_read', e.`attempts.cache_read_tokens`[l.attempt],
        l.usage_class = 'cache_write_5m', e.`attempts.cache_write_5m_tokens`[l.attempt],
        l.usage_class = 'cache_write_1h', e.`attempts.cache_write_1h_tokens`[l.attempt],
        l.usage_class = 'input_audio', e.`attempts.input_audio_tokens`[l.attempt],
        l.usage_class = 'cached_audio', e.`attempts.cached_audio_tokens`[l.attempt],
        l.usage_class = 'input_image', e.`attempts.input_image_tokens`[l.attempt],
        l.usage_class = 'visible_output', e.`attempts.visible_output_tokens`[l.attempt],
        l.usage_class = 'reasoning', e.`attempts.reasoning_tokens`[l.attempt],
        l.usage_class = 'output_audio', e.`attempts.output_audio_tokens`[l.attempt],
        l.usage_class = 'output_image', e.`attempts.output_image_tokens`[l.attempt],
        l.usage_class = 'web_search_requests', e.`attempts.web_search_requests`[l.attempt],
        l.usage_class = 'images', e.`attempts.images`[l.attempt],
        l.usage_class = 'audio_seconds', e.`attempts.audio_seconds`[l.attempt],
        l.usage_class = 'characters', e.`attempts.characters`[l.attempt],
        l.usage_class = 'requests', toInt64(1),
        NULL
    ) AS attempt_quantity,
    l.quantity AS quantity,
    l.unit_price_usd AS unit_price_usd,
    l.per_units AS per_units,
    l.factor AS factor,
    l.amount_usd AS amount_usd,
    l.entry_id AS entry_id,
    l.price_version AS price_version,
    e.price_version AS book_version,
    e.`attempts.contract`[l.attempt] AS contract,
    e.rate_card AS rate_card,
    e.currency AS currency,
    e.fx_rate AS fx_rate
FROM {{database}}.usage_events AS e
ARRAY JOIN line_items AS l
COMMENT 'One row per line item of an event; those of an amount are the ones whose part_of names it';
