/** Whom an event is for, as the fields of its Avro record. They stand side by side in every record that has them, so that their bytes can be made once for all
 *  events of a virtual key. */
import type { Attribution, SettlementKind } from '@tokenledger/domain';

export interface AttributionRow {
  readonly tenant_id: string;
  readonly project_id: string;
  readonly owner_id: string;
  readonly team: string;
  readonly user_id: string;
  readonly virtual_key_id: string;
  readonly application: string;
  readonly application_version: string;
  readonly feature: string;
  readonly workflow_id: string;
  readonly task_id: string;
  readonly task_type: string;
  readonly conversation_id: string;
  readonly environment: string;
  readonly prompt_version: string;
  readonly mcp_server: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly settlement_kind: SettlementKind;
  readonly settlement_id: string;
}

/** The first and the last of them. */
export const ATTRIBUTION_SPAN = { first: 'tenant_id', last: 'settlement_id' } as const;

export function attributionRow(attribution: Attribution): AttributionRow {
  return {
    tenant_id: attribution.tenantId,
    project_id: attribution.projectId,
    owner_id: attribution.ownerId,
    team: attribution.team,
    user_id: attribution.userId,
    virtual_key_id: attribution.virtualKeyId,
    application: attribution.application,
    application_version: attribution.applicationVersion,
    feature: attribution.feature,
    workflow_id: attribution.workflowId,
    task_id: attribution.taskId,
    task_type: attribution.taskType,
    conversation_id: attribution.conversationId,
    environment: attribution.environment,
    prompt_version: attribution.promptVersion,
    mcp_server: attribution.mcpServer,
    labels: attribution.labels,
    settlement_kind: attribution.settlementKind,
    settlement_id: attribution.settlementId,
  };
}

export function attributionFromRow(row: AttributionRow): Attribution {
  return {
    tenantId: row.tenant_id,
    projectId: row.project_id,
    ownerId: row.owner_id,
    team: row.team,
    userId: row.user_id,
    virtualKeyId: row.virtual_key_id,
    application: row.application,
    applicationVersion: row.application_version,
    feature: row.feature,
    workflowId: row.workflow_id,
    taskId: row.task_id,
    taskType: row.task_type,
    conversationId: row.conversation_id,
    environment: row.environment,
    promptVersion: row.prompt_version,
    mcpServer: row.mcp_server,
    labels: row.labels,
    settlementKind: row.settlement_kind,
    settlementId: row.settlement_id,
  };
}
