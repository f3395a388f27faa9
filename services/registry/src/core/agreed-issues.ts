/** What is wrong with an agreement: what its fields say together, and the prices that it holds. Pure. */
import { activationOf, type AgreedDocument, type ControlDocument, type Issue } from '@tokenledger/control';
import { isRejected } from '@tokenledger/domain';
import { parsePriceBook } from '@tokenledger/pricing';

export function isAgreed(document: ControlDocument): document is AgreedDocument {
  return document.kind === 'contract' || document.kind === 'rate_card' || document.kind === 'fx_rate';
}

export function agreedIssues(document: AgreedDocument): readonly Issue[] {
  const issues: Issue[] = [];
  const wrong = (path: string, message: string): unknown => issues.push({ path, code: 'INPUT_INVALID', message });
  const from = Date.parse(document.effective_from);
  if (Date.parse(activationOf(document)) < from) wrong('activates_at', 'is before effective_from: leave it out');
  if (document.kind === 'fx_rate') return issues;
  if (document.effective_to !== undefined && Date.parse(document.effective_to) <= from)
    wrong('effective_to', 'is not after effective_from');
  const book = document.prices === undefined ? null : parsePriceBook(document.prices);
  if (book !== null && isRejected(book)) issues.push({ path: 'prices', code: book.code, message: book.message });
  return issues;
}
