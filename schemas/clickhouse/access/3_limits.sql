-- What one query of a tenant may take, and how much all of a user's queries together. `readonly = 2`: settings may be given along, but what is limited here.

CREATE SETTINGS PROFILE OR REPLACE tokenledger_tenant_limits {{on_cluster}}
    SETTINGS
        readonly = 2 CONST,
        max_execution_time = 60 MAX 60,
        max_memory_usage = 4000000000 MAX 4000000000,
        max_threads = 4 MAX 4,
        max_result_rows = 1000000 MAX 1000000,
        result_overflow_mode = 'throw' CONST
    TO tokenledger_tenant;

CREATE QUOTA OR REPLACE tokenledger_tenant_hourly {{on_cluster}}
    KEYED BY user_name
    FOR INTERVAL 1 hour MAX queries = 10000, execution_time = 3600
    TO tokenledger_tenant;
