/** A catalogue as it is written down. */
import { z } from 'zod';

const name = z.string().min(1).max(200);
const day = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d$/, 'is no day like 2026-01-31')
  .refine((text) => !Number.isNaN(Date.parse(text)), 'is no day of the calendar')
  .transform((text) => Date.parse(text));
const modality = z.enum(['text', 'image', 'audio', 'video']);

const model = z.strictObject({
  provider: name,
  model: name,
  aliases: z.array(name).default([]),
  family: name.optional(),
  tokenizer: name.optional(),
  context_window: z.int().positive().optional(),
  max_output: z.int().positive().optional(),
  input: z.array(modality).default([]),
  output: z.array(modality).default([]),
  price_key: name.nullable().optional(),
  released: day.optional(),
  deprecated: day.optional(),
  retired: day.optional(),
  sources: z.array(name).min(1),
});
export type WrittenModel = z.output<typeof model>;

export const catalogueFile = z.strictObject({
  sources: z.record(name, z.strictObject({ url: z.string().min(1), date: day })),
  providers: z.record(name, z.strictObject({ complete: z.boolean().default(false), also: z.array(name).default([]) })),
  models: z.array(model),
});
export type WrittenCatalogue = z.output<typeof catalogueFile>;
