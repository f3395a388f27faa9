/** Catalogues of models as commands name them: a file, or the one that ships. */
import { readFileSync } from 'node:fs';
import { type Catalogue, parseCatalogue, SHIPPED_CATALOGUE } from '@tokenledger/catalogue';
import { AppError, isRejected } from '@tokenledger/domain';
import { SHIPPED } from './price-files.ts';

/** Throws `CATALOGUE_UNREADABLE`, `CATALOGUE_INVALID`. */
export function catalogueAt(file: string): Catalogue {
  const catalogue = parseCatalogue(textOf(file));
  if (isRejected(catalogue)) throw new AppError(catalogue.code, catalogue.message);
  return catalogue;
}

function textOf(file: string): string {
  try {
    return readFileSync(file === SHIPPED ? SHIPPED_CATALOGUE : file, 'utf8');
  } catch (cause) {
    throw new AppError('CATALOGUE_UNREADABLE', `the catalogue ${file} cannot be read`, { cause });
  }
}
