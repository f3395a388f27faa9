/** Numbers a Fold's outputs: contiguous per target partition and fixed with the checkpoint, so that a repeat carries the number it had. */
import type { FoldOutput } from './types.ts';
import { SEQUENCE_HEADER, SOURCE_HEADER } from './offset-metadata.ts';

export interface OutputNumbers {
  readonly source: string;
  /** The last number given, by `topic/partition`. */
  readonly given: Readonly<Record<string, number>>;
}

/** Outputs that name their source already keep it. */
export function numberOutputs(
  numbers: OutputNumbers,
  outputs: readonly FoldOutput[],
): { readonly numbers: OutputNumbers; readonly outputs: readonly FoldOutput[] } {
  const given: Record<string, number> = { ...numbers.given };
  const numbered = outputs.map((output): FoldOutput => {
    if (output.record.headers?.[SOURCE_HEADER] !== undefined) return output;
    const target = `${output.topic}/${output.partition}`;
    const number = (given[target] ?? 0) + 1;
    given[target] = number;
    return {
      ...output,
      record: {
        ...output.record,
        headers: { ...output.record.headers, [SOURCE_HEADER]: numbers.source, [SEQUENCE_HEADER]: String(number) },
      },
    };
  });
  return { numbers: { source: numbers.source, given }, outputs: numbered };
}
