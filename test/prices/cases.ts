/** Rates a file of cases with the price book that ships and says where they agree. `npm run prices:cases -- FILE [--json]`; exit code 0 when every case of a
 *  provider agrees or is listed, and no more than 2 % of them are listed. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isRejected } from '@tokenledger/domain';
import { parsePriceBook, type PriceBook, SHIPPED_PRICE_BOOK } from '@tokenledger/pricing';
import { priceCase } from './price-case.ts';
import { judge, type Verdict } from './verdict.ts';

const LISTED_SHARE_MAX = 0.02;

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean', default: false } } });
const [file] = positionals;
if (file === undefined) {
  console.error('usage: npm run prices:cases -- FILE [--json]');
  process.exit(2);
}

function bookAt(path: URL): PriceBook {
  const book = parsePriceBook(readFileSync(path, 'utf8'));
  if (isRejected(book)) throw new Error(`${path.pathname}: ${book.message}`);
  return book;
}

const books = { shipped: bookAt(SHIPPED_PRICE_BOOK), disputed: bookAt(new URL('disputed.yaml', import.meta.url)) };
const verdicts = readFileSync(file, 'utf8')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map(judgedLine);

/** What is no case, or has no amount, agrees with nothing. */
function judgedLine(line: string, index: number): Verdict {
  try {
    return judge(priceCase.parse(JSON.parse(line)), books);
  } catch (error) {
    const why = error instanceof Error ? error.message.replaceAll(/\s+/g, ' ') : String(error);
    return {
      id: `line ${index + 1}`,
      provider: '',
      model: '',
      expectedUsd: '',
      computedUsd: null,
      outcome: 'differs',
      why,
      isRouter: false,
    };
  }
}

function summary(of: readonly Verdict[]): { cases: number; agree: number; listed: number; differ: number } {
  const count = (outcome: Verdict['outcome']): number => of.filter((each) => each.outcome === outcome).length;
  return { cases: of.length, agree: count('agrees'), listed: count('listed'), differ: count('differs') };
}

const providers = summary(verdicts.filter(({ isRouter }) => !isRouter));
const routers = summary(verdicts.filter(({ isRouter }) => isRouter));
const passed = providers.differ === 0 && providers.listed <= providers.cases * LISTED_SHARE_MAX;
const notAgreeing = verdicts.filter(({ outcome }) => outcome !== 'agrees');

if (values.json) {
  console.log(JSON.stringify({ price_version: books.shipped.version, passed, providers, routers, cases: verdicts.map(shown) }));
} else {
  for (const each of notAgreeing) {
    const computed = each.computedUsd ?? 'no cost';
    console.log(
      `${each.outcome} ${each.isRouter ? '(router) ' : ''}${each.id} ${each.provider}/${each.model}: ${each.expectedUsd} stated, ${computed}. ${each.why}`,
    );
  }
  for (const [name, { cases, agree, listed, differ }] of Object.entries({ providers, routers })) {
    console.log(`${name}: ${agree} of ${cases} agree, ${listed} are listed, ${differ} differ`);
  }
}
process.exitCode = passed ? 0 : 1;

function shown(each: Verdict): object {
  return {
    id: each.id,
    provider: each.provider,
    model: each.model,
    expected_usd: each.expectedUsd,
    computed_usd: each.computedUsd,
    outcome: each.outcome,
    why: each.why,
    router: each.isRouter,
  };
}
