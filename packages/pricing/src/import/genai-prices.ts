/** Prices from a file of the public collection genai-prices: one provider, or a list of them, as the project publishes its data. */
import { type Rejected, rejected } from '@tokenledger/domain';
import { z } from 'zod';
import { type CollectedBlocks, collectedBlocks, type WrittenBlock } from '../collection/blocks.ts';
import { parseCollectedProvider } from '../collection/data.ts';
import { type ImportedPrices, type ImportOptions, isWanted, type LeftOut } from './imported.ts';

const provider = z.looseObject({ id: z.string(), models: z.array(z.looseObject({ id: z.string() })) });
const file = z.union([
  z.array(provider),
  provider.transform((one) => [one]),
  z.looseObject({ providers: z.array(provider) }).transform((of) => of.providers),
]);

/** Of models of which the file says what a book cannot, the rest of the file is taken. Rejects `PRICES_UNREADABLE` what is no such file. */
export function readGenaiPrices(text: string, options: ImportOptions): ImportedPrices | Rejected {
  let parsed: z.output<typeof file>;
  try {
    parsed = file.parse(JSON.parse(text));
  } catch (error) {
    return rejected(
      'PRICES_UNREADABLE',
      `this is no data of genai-prices: ${error instanceof Error ? error.message.replaceAll(/\s+/g, ' ') : String(error)}`,
    );
  }
  const models: CollectedBlocks[] = [];
  const leftOut: LeftOut[] = [];
  for (const each of parsed) {
    if (!isWanted(options, each.id)) continue;
    // Of a name that several models claim the first has it.
    const claimed = new Set<string>();
    for (const model of each.models) {
      try {
        const [read] = collectedBlocks(parseCollectedProvider({ ...each, models: [model] }), {
          source: options.source,
          earliest: options.since,
          alwaysDated: false,
          isTaken: (name) => claimed.has(name.toLowerCase()),
          without: () => new Set(),
        });
        if (read === undefined || !read.blocks.some(isNotOver)) continue;
        for (const name of Object.values(read.names).flat()) claimed.add(name.toLowerCase());
        models.push({ ...read, blocks: read.blocks.filter(isNotOver) });
      } catch (error) {
        leftOut.push({ what: `${each.id}/${model.id}`, why: reasonOf(error) });
      }
    }
  }
  return { models, leftOut };
}

/** Of a price that ended before the day from which the others are known nothing is taken. */
function isNotOver({ effective_from: from, effective_to: to }: WrittenBlock): boolean {
  return to === undefined || Date.parse(to) > Date.parse(from);
}

function reasonOf(error: unknown): string {
  if (error instanceof z.ZodError) return 'it says what a price book cannot';
  return error instanceof Error ? error.message : String(error);
}
