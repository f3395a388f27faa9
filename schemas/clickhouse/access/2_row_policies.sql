-- Which rows a user of the role `tokenledger_tenant` sees. The setting is fixed for each such user when it is made (`CONST`); without it every query
-- fails. Views run with the rights of whoever asks, so the policy of the table they read decides.

CREATE ROW POLICY OR REPLACE tokenledger_own_rows {{on_cluster}} ON {{tables:usage_events}}
    USING tenant_id = getSetting('SQL_tokenledger_tenant') TO tokenledger_tenant;

-- A table with a policy may show nothing to those whom none is for, depending on the server's configuration. The writer reads back what is there, and
-- would insert again what it does not see: so everybody else sees every row by a policy of their own.
CREATE ROW POLICY OR REPLACE tokenledger_all_rows {{on_cluster}} ON {{tables:usage_events}}
    USING 1 TO ALL EXCEPT tokenledger_tenant;

CREATE ROW POLICY OR REPLACE tokenledger_own_days {{on_cluster}} ON {{tables:usage_sealed}}
    USING tenant_id = getSetting('SQL_tokenledger_tenant') TO tokenledger_tenant;

CREATE ROW POLICY OR REPLACE tokenledger_all_days {{on_cluster}} ON {{tables:usage_sealed}}
    USING 1 TO ALL EXCEPT tokenledger_tenant;
