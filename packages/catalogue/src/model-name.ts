/** Names under which a model may stand in a catalogue, by what a request or an answer calls it. */

/** Characters of a name that are looked at. */
const NAME_CHARS_MAX = 256;
/** `-2025-08-07`, `-20250807`, `@20250807`, `-0807`. */
const DATE_SUFFIX = /[-@](?:20\d{2}-?[01]\d-?[0-3]\d|[01]\d[0-3]\d)$/;
/** OpenAI's `ft:BASE:organisation:name:id`, with a checkpoint behind it or not: https://platform.openai.com/docs/guides/fine-tuning */
const FINE_TUNED = /^ft:([^:]+)/;

/** The most particular first: as it is; a fine-tuned model's base; without its date; without `latest`. */
export function namesOf(model: string): readonly string[] {
  const given = model.slice(0, NAME_CHARS_MAX).replace(/^models\//, '');
  const base = FINE_TUNED.exec(given)?.[1] ?? given;
  const undated = base.replace(DATE_SUFFIX, '');
  return [...new Set([given, base, undated, undated.replace(/-latest$/, '')])];
}
