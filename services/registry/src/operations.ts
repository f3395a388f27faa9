/** The operations of the admin API: what each takes, answers and needs. Routes and the OpenAPI document are both made from this. */
import {
  applyRequestSchema,
  auditPageSchema,
  changeAnswerSchema,
  createKeyRequestSchema,
  deleteQuerySchema,
  documentPageSchema,
  documentPathSchema,
  documentViewSchema,
  keyAnswerSchema,
  keyPathSchema,
  listAuditQuerySchema,
  listDocumentsQuerySchema,
  revokeKeyRequestSchema,
  rotateKeyRequestSchema,
  type Scope,
} from '@tokenledger/control';
import { z } from 'zod';

export interface Operation {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** With `{name}` where a parameter stands. */
  readonly path: string;
  readonly scope: Scope;
  readonly summary: string;
  readonly params: z.ZodType;
  readonly query: z.ZodType;
  readonly body: z.ZodType;
  readonly status: 200 | 201;
  readonly answer: z.ZodType;
}

const nothing = z.strictObject({});

export const OPERATIONS = {
  list_documents: {
    method: 'GET',
    path: '/v1/documents',
    scope: 'read',
    summary: 'Documents in the order of kind and id, of one kind or tenant if asked. Long texts are left out.',
    params: nothing,
    query: listDocumentsQuerySchema,
    body: nothing,
    status: 200,
    answer: documentPageSchema,
  },
  get_document: {
    method: 'GET',
    path: '/v1/documents/{kind}/{id}',
    scope: 'read',
    summary: 'One document as a whole.',
    params: documentPathSchema,
    query: nothing,
    body: nothing,
    status: 200,
    answer: documentViewSchema,
  },
  delete_document: {
    method: 'DELETE',
    path: '/v1/documents/{kind}/{id}',
    scope: 'write',
    summary: 'Deletes a document that no other one names. A virtual key needs the scope `keys`, too.',
    params: documentPathSchema,
    query: deleteQuerySchema,
    body: nothing,
    status: 200,
    answer: changeAnswerSchema,
  },
  apply: {
    method: 'POST',
    path: '/v1/apply',
    scope: 'write',
    summary: 'Creates and updates documents, all of them or none. Virtual keys need the scope `keys`, too.',
    params: nothing,
    query: nothing,
    body: applyRequestSchema,
    status: 200,
    answer: changeAnswerSchema,
  },
  create_key: {
    method: 'POST',
    path: '/v1/keys',
    scope: 'keys',
    summary: 'Creates a virtual key. Its secret is in the answer and nowhere else.',
    params: nothing,
    query: nothing,
    body: createKeyRequestSchema,
    status: 201,
    answer: keyAnswerSchema,
  },
  rotate_key: {
    method: 'POST',
    path: '/v1/keys/{id}/rotate',
    scope: 'keys',
    summary: 'Gives a virtual key another secret. Those of before go on working until the overlap is over.',
    params: keyPathSchema,
    query: nothing,
    body: rotateKeyRequestSchema,
    status: 200,
    answer: keyAnswerSchema,
  },
  revoke_key: {
    method: 'POST',
    path: '/v1/keys/{id}/revoke',
    scope: 'keys',
    summary: 'Ends a virtual key for good, with all its secrets.',
    params: keyPathSchema,
    query: nothing,
    body: revokeKeyRequestSchema,
    status: 200,
    answer: changeAnswerSchema,
  },
  list_audit: {
    method: 'GET',
    path: '/v1/audit',
    scope: 'read',
    summary: 'The newest changes: who, when, what before and after. Older ones are in the table `audit_log`.',
    params: nothing,
    query: listAuditQuerySchema,
    body: nothing,
    status: 200,
    answer: auditPageSchema,
  },
} as const satisfies Readonly<Record<string, Operation>>;

export type OperationName = keyof typeof OPERATIONS;
/** What a handler gets: everything validated, defaults filled in. */
export interface Input<Name extends OperationName> {
  readonly params: z.output<(typeof OPERATIONS)[Name]['params']>;
  readonly query: z.output<(typeof OPERATIONS)[Name]['query']>;
  readonly body: z.output<(typeof OPERATIONS)[Name]['body']>;
}
export type Answer<Name extends OperationName> = z.input<(typeof OPERATIONS)[Name]['answer']>;
