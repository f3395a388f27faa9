/** Requests and answers of the admin API. The registry validates by these schemas and serves them as OpenAPI; the CLI reads answers with them. */
import { z } from 'zod';
import { auditRecordSchema, managedBySchema, shownDocumentSchema } from './control-record.ts';
import { CONTROL_KINDS, documentInputSchema, virtualKeyInputSchema } from './documents.ts';
import { ID, instant } from './document-fields.ts';

export const SCOPES = ['read', 'write', 'keys'] as const;
export const scopeSchema = z.enum(SCOPES);
export type Scope = z.infer<typeof scopeSchema>;

export const APPLY_DOCUMENTS_MAX = 500;
export const PAGE_SIZE_MAX = 1_000;
const PAGE_SIZE_DEFAULT = 100;
const DAY_S = 86_400;
export const OVERLAP_DEFAULT_S = DAY_S;
const OVERLAP_MAX_S = 90 * DAY_S;

const kind = z.enum(CONTROL_KINDS);
const version = z.int().min(0);
const note = z.string().max(500).default('').describe('Why, for the audit.');
const limit = z.coerce.number().int().min(1).max(PAGE_SIZE_MAX).default(PAGE_SIZE_DEFAULT).describe('Most entries of an answer.');
const cursor = z.string().max(500).optional().describe('`next_cursor` of the answer before; absent for the first.');
const nextCursor = z.string().nullable().describe('Null when there is nothing more.');
/** In a query there are only texts. */
const flag = z.stringbool({ truthy: ['true'], falsy: ['false'] }).default(false);

export const documentPathSchema = z.strictObject({ kind, id: ID });
export const keyPathSchema = z.strictObject({ id: ID });

export const listDocumentsQuerySchema = z.strictObject({ kind: kind.optional(), tenant: ID.optional(), limit, cursor });

export const applyRequestSchema = z.strictObject({
  documents: z
    .array(documentInputSchema)
    .min(1)
    .max(APPLY_DOCUMENTS_MAX)
    .describe('All of them take effect together, or none. A virtual key without a secret gets one by `rotate`.'),
  dry_run: z.boolean().default(false).describe('Says what would change, and changes nothing.'),
  note,
  expected_versions: z
    .record(z.string().max(200), version)
    .default({})
    .describe('By `kind/id`: the version that the caller has seen, 0 for none. Refused when it is another one by now.'),
});

export const deleteQuerySchema = z.strictObject({
  expected_version: z.coerce.number().pipe(version).optional(),
  dry_run: flag,
  note,
});

export const createKeyRequestSchema = z.strictObject({
  ...virtualKeyInputSchema.omit({ kind: true, id: true }).shape,
  id: ID.optional().describe('One is made up when absent.'),
  expires_at: instant.optional().describe('When the secret stops working; absent: never.'),
  note,
});

export const rotateKeyRequestSchema = z.strictObject({
  overlap_s: z
    .int()
    .min(0)
    .max(OVERLAP_MAX_S)
    .default(OVERLAP_DEFAULT_S)
    .describe('How long the secrets of before go on working, in seconds.'),
  expires_at: instant.optional().describe('When the new secret stops working; absent: never.'),
  expected_version: version.optional(),
  note,
});

export const revokeKeyRequestSchema = z.strictObject({ expected_version: version.optional(), note });

export const listAuditQuerySchema = z.strictObject({ kind: kind.optional(), id: ID.optional(), limit, cursor });

/** The secrets of a key, without what could be used. */
const keyStatusSchema = z.strictObject({
  revoked: z.boolean(),
  secrets: z.array(z.strictObject({ generation: z.int(), created_at: instant, expires_at: instant.nullable() })),
});

export const documentViewSchema = z.strictObject({
  kind,
  id: ID,
  version,
  managed_by: managedBySchema,
  changed_at: instant,
  changed_by: z.string(),
  document: shownDocumentSchema.describe('As it can be applied.'),
  key: keyStatusSchema.nullable().describe('Of a virtual key.'),
});

export const documentPageSchema = z.strictObject({ documents: z.array(documentViewSchema), next_cursor: nextCursor });

export const CHANGE_ACTIONS = ['create', 'update', 'unchanged', 'delete'] as const;

export const changeAnswerSchema = z.strictObject({
  change_id: z.string().nullable().describe('Null when nothing was changed.'),
  dry_run: z.boolean(),
  results: z.array(
    z.strictObject({
      kind,
      id: ID,
      action: z.enum(CHANGE_ACTIONS),
      version: version.describe('After the change.'),
      before: shownDocumentSchema.nullable(),
      after: shownDocumentSchema.nullable(),
    }),
  ),
});

export const keyAnswerSchema = z.strictObject({
  change_id: z.string(),
  key: documentViewSchema,
  secret: z.string().describe('The text that clients send. It is shown here and never again.'),
});

export const auditPageSchema = z.strictObject({
  records: z.array(auditRecordSchema).describe('Newest first.'),
  next_cursor: nextCursor,
});

export const issueSchema = z.strictObject({
  path: z.string().describe("Where, as in `documents[0].tenant`; '' for the whole."),
  code: z.string(),
  message: z.string(),
});

export const errorAnswerSchema = z.strictObject({
  error: z.strictObject({ code: z.string(), message: z.string(), issues: z.array(issueSchema) }),
});

export type ListDocumentsQuery = z.infer<typeof listDocumentsQuerySchema>;
export type ApplyRequest = z.infer<typeof applyRequestSchema>;
export type DeleteQuery = z.infer<typeof deleteQuerySchema>;
export type CreateKeyRequest = z.infer<typeof createKeyRequestSchema>;
export type RotateKeyRequest = z.infer<typeof rotateKeyRequestSchema>;
export type RevokeKeyRequest = z.infer<typeof revokeKeyRequestSchema>;
export type ListAuditQuery = z.infer<typeof listAuditQuerySchema>;
export type DocumentView = z.infer<typeof documentViewSchema>;
export type DocumentPage = z.infer<typeof documentPageSchema>;
export type ChangeAction = (typeof CHANGE_ACTIONS)[number];
export type ChangeAnswer = z.infer<typeof changeAnswerSchema>;
export type KeyAnswer = z.infer<typeof keyAnswerSchema>;
export type AuditPage = z.infer<typeof auditPageSchema>;
export type Issue = z.infer<typeof issueSchema>;
export type ErrorAnswer = z.infer<typeof errorAnswerSchema>;
