/** Codes of this package. Held together with docs/errors.md by a test. */
export const ERRORS = {
  STATEMENT_FACTS_INVALID:
    'What a statement would say of itself is too long, so nothing was done: its note, who posts it, or the names of tenants, models or providers, each kind at most 2,000 characters together. Shorten the note, or name fewer and run it once for each part.',
  PERIOD_CLOSED:
    'A re-rating would correct a period that was closed, so nothing was done. Choose another period, or say `--reopen` and why; the reason is written to `audit_log`, and the corrections are marked.',
  PRICES_LOST:
    'A re-rating would take the price from events whose models the new prices do not know, so nothing was posted. Choose a price book that knows them, name the models to correct with `--model`, or say `--allow-unpriced`.',
  VOLUME_UNKNOWN:
    'Raw rows of a month have left by retention, so tiers and allowances by its volume cannot be counted, and nothing was posted. What was posted before stands. Keep raw rows for 62 days or more (`writer.retention_days`) where contracts or rate cards have any.',
  STATEMENT_UNREADABLE:
    'A record of the topic `statements` cannot be read by this version, so nobody can say what is being posted. Use the version that wrote it, or a newer one.',
  STATEMENT_OVERTAKEN:
    'Somebody else began a statement while this one was made, so it was not posted: it may rest on rows that the other corrects. Run the command again.',
  STATEMENT_LINES_LOST:
    'Lines of a fixed statement are not in the topic `statement-lines` any more, and not in ClickHouse either: the topic was altered. Its other lines are posted; restore the topic, or close the source with `tokenledger sources close`.',
  STATEMENT_NOT_LANDED:
    'A statement is fixed and its lines are sent, and ClickHouse does not have all of them yet. Let a writer run, and run the command again: it goes on where it was.',
} as const;
