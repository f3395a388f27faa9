/** Google's lists of token counts by modality. */
import { Counts } from '../counts.ts';
import { isJsonObject } from '../json-object.ts';
import { enumName, MODALITIES } from './enums.ts';

/** Tokens of the modalities that are classes of ours; those of text, video and documents are the rest of their total. */
export interface ModalityTokens {
  readonly audio: number;
  readonly image: number;
}

/** Null when there is no list. */
export function modalityTokens(list: unknown): ModalityTokens | 'invalid' | null {
  if (list === undefined || list === null) return null;
  if (!Array.isArray(list)) return 'invalid';
  let audio = 0;
  let image = 0;
  for (const entry of list) {
    if (!isJsonObject(entry)) return 'invalid';
    const counts = new Counts(entry);
    const tokens = counts.at('tokenCount') ?? 0;
    if (counts.invalid) return 'invalid';
    const { modality } = entry as { readonly modality?: unknown };
    const name = enumName(modality, MODALITIES);
    if (name === 'AUDIO') audio += tokens;
    else if (name === 'IMAGE') image += tokens;
  }
  return Number.isSafeInteger(audio + image) ? { audio, image } : 'invalid';
}
