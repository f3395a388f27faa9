/** The `documents` section of the config file: the control documents by kind, in the shape people write them. */
import { z } from 'zod';
import {
  channelSchema,
  type ConfigDocument,
  configVirtualKeySchema,
  ownerSchema,
  projectSchema,
  routeSchema,
  tenantSchema,
} from './documents.ts';

const DOCUMENTS_PER_KIND_MAX = 10_000;
const listOf = <Schema extends z.ZodType>(schema: Schema): z.ZodDefault<z.ZodArray<Schema>> =>
  z.array(schema).max(DOCUMENTS_PER_KIND_MAX).default([]);

/** `kind` is given by the list a document stands in. */
export const documentsSection = z.strictObject({
  tenants: listOf(tenantSchema.omit({ kind: true })).describe('Who pays.'),
  projects: listOf(projectSchema.omit({ kind: true })).describe('What the usage is for.'),
  owners: listOf(ownerSchema.omit({ kind: true })).describe('Who answers for it.'),
  virtual_keys: listOf(configVirtualKeySchema.omit({ kind: true })).describe('The credentials we issue; only their keyed hashes are kept.'),
  channels: listOf(channelSchema.omit({ kind: true }).extend({ priority: channelSchema.shape.priority.unwrap().optional() })).describe(
    'Upstream accounts and endpoints; the first that speaks a surface serves it.',
  ),
  routes: listOf(routeSchema.omit({ kind: true })).describe(
    'Which channels serve a model or a task, in order, and what happens when one fails.',
  ),
  price_book: z.string().default('').describe("Path of the price book, relative to the config file; '' uses the one that ships."),
});

export type DocumentsSection = z.infer<typeof documentsSection>;

const FIRST_PRIORITY = 100;

/** Flattens the section into documents. A channel without a priority comes after those that stand before it. */
export function documentsOf(section: DocumentsSection): readonly ConfigDocument[] {
  return [
    ...section.tenants.map((tenant) => ({ kind: 'tenant' as const, ...tenant })),
    ...section.projects.map((project) => ({ kind: 'project' as const, ...project })),
    ...section.owners.map((owner) => ({ kind: 'owner' as const, ...owner })),
    ...section.virtual_keys.map((key) => ({ kind: 'virtual_key' as const, ...key })),
    ...section.channels.map((channel, index) => ({
      kind: 'channel' as const,
      ...channel,
      priority: channel.priority ?? FIRST_PRIORITY + index,
    })),
    ...section.routes.map((route) => ({ kind: 'route' as const, ...route })),
  ];
}
