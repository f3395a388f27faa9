/** Kinds of documents as people name them. */
import { CONTROL_KINDS, type ControlKind } from '@tokenledger/control';
import { InvalidArgumentError } from 'commander';

const SHORT: Readonly<Record<string, ControlKind>> = {
  key: 'virtual_key',
  book: 'price_book',
  activation: 'price_book_activation',
  period: 'closed_period',
};

/** Takes `virtual_key`, `virtual-keys`, `keys`. */
export function parseKind(text: string): ControlKind {
  const singular = text.toLowerCase().replaceAll('-', '_').replace(/s$/, '');
  const kind = SHORT[singular] ?? CONTROL_KINDS.find((name) => name === singular);
  if (kind !== undefined) return kind;
  throw new InvalidArgumentError(`'${text}' is not a kind of document. There are: ${CONTROL_KINDS.join(', ')}.`);
}
