/** The models that are known. */
export { type Catalogue, parseCatalogue, SHIPPED_CATALOGUE } from './catalogue.ts';
export { ERRORS } from './errors.ts';
export { lifecycleOf, type CatalogueModel, type Lifecycle, MODEL_FLAGS, type ModelFlag } from './model.ts';
