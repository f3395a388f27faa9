-- Roles and what they may do. Users are made by the operator and given one of these roles: see docs/clickhouse.md.

-- Applies migrations.
CREATE ROLE IF NOT EXISTS tokenledger_migrator {{on_cluster}};
GRANT {{on_cluster}} SELECT, INSERT, ALTER, CREATE, DROP, TRUNCATE ON {{database}}.* TO tokenledger_migrator;

-- The writer: inserts rows, reads back what is there, raises the fence. It ends its own queries only, which needs no grant.
CREATE ROLE IF NOT EXISTS tokenledger_writer {{on_cluster}};
GRANT {{on_cluster}} SELECT, INSERT ON {{database}}.* TO tokenledger_writer;
-- It builds sealed days in tables of its own, swaps them in, and lets raw rows go.
GRANT {{on_cluster}} CREATE TABLE, DROP TABLE, ALTER ADD CONSTRAINT, ALTER DELETE ON {{database}}.* TO tokenledger_writer;

-- Whoever may see every tenant: finance, operators, the console's own queries.
CREATE ROLE IF NOT EXISTS tokenledger_analyst {{on_cluster}};
GRANT {{on_cluster}} SELECT ON {{database}}.* TO tokenledger_analyst;

-- A tenant: what has a `tenant_id`, and of that its own rows. What is new here stays closed until it is named.
CREATE ROLE IF NOT EXISTS tokenledger_tenant {{on_cluster}};
GRANT {{on_cluster}} SELECT ON {{database}}.usage_events TO tokenledger_tenant;
GRANT {{on_cluster}} SELECT ON {{database}}.usage_attempts TO tokenledger_tenant;
GRANT {{on_cluster}} SELECT ON {{database}}.usage_by_minute TO tokenledger_tenant;
GRANT {{on_cluster}} SELECT ON {{database}}.usage_by_hour TO tokenledger_tenant;
GRANT {{on_cluster}} SELECT ON {{database}}.usage_by_day TO tokenledger_tenant;
GRANT {{on_cluster}} SELECT ON {{database}}.usage_daily TO tokenledger_tenant;
-- What `usage_by_day` and `usage_daily` read; it has a policy too.
GRANT {{on_cluster}} SELECT ON {{database}}.usage_sealed TO tokenledger_tenant;
-- What was handed in and not seen to be done: a view of events.
GRANT {{on_cluster}} SELECT ON {{database}}.open_items TO tokenledger_tenant;
