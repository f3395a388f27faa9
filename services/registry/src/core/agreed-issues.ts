/** What is wrong with an agreement: what its fields say together, and the prices that it holds. Pure. */
import {
  activationOf,
  type AgreedDocument,
  type ContractDocument,
  type ControlDocument,
  type Issue,
  type RateCardDocument,
} from '@tokenledger/control';
import { isRejected, parseUsd, TOKEN_CLASSES } from '@tokenledger/domain';
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
  for (const { path, measure, classes = [], volumes } of volumeTerms(document)) {
    if (measure === 'tokens' && classes.some((name) => !TOKENS.has(name)))
      wrong(`${path}.classes`, 'has a class that is no tokens, and its measure is tokens');
    if (measure === 'tokens' && volumes.some((each) => each.includes('.'))) wrong(path, 'counts tokens, which are whole');
    if (!rises(volumes)) wrong(path, 'has to rise, and to begin above 0');
  }
  return issues;
}

const TOKENS: ReadonlySet<string> = new Set(TOKEN_CLASSES);

interface Volumes extends Pick<NonNullable<RateCardDocument['included']>[number], 'measure' | 'classes'> {
  readonly path: string;
  readonly volumes: readonly string[];
}

function volumeTerms(document: ContractDocument | RateCardDocument): readonly Volumes[] {
  if (document.kind === 'rate_card') {
    return (document.included ?? []).map((each, index) => ({ ...each, path: `included[${index}]`, volumes: [each.up_to] }));
  }
  return (document.volume_tiers ?? []).map((each, index) => ({
    ...each,
    path: `volume_tiers[${index}]`,
    volumes: each.tiers.map(({ above }) => above),
  }));
}

function rises(volumes: readonly string[]): boolean {
  let before = 0n;
  for (const text of volumes) {
    const volume = parseUsd(text);
    if (isRejected(volume) || volume <= before) return false;
    before = volume;
  }
  return true;
}
