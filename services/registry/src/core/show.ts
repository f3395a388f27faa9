/** Documents as they may be shown: no hash of a key, no check value, long texts by their hash where they are not asked for. */
import { createHash } from 'node:crypto';
import type { ControlDocument, ControlRecord, DocumentView, ShownDocument } from '@tokenledger/control';
import { aboutBookText } from '@tokenledger/pricing';

/** As an operator would hand it in. */
function shownDocument(document: ControlDocument): ShownDocument {
  switch (document.kind) {
    case 'virtual_key': {
      const { hashes: _hashes, revoked: _revoked, ...shown } = document;
      return shown;
    }
    case 'key_hash_secret': {
      const { check: _check, ...shown } = document;
      return shown;
    }
    case 'tenant':
    case 'project':
    case 'owner':
    case 'channel':
    case 'route':
    case 'price_book':
    case 'price_book_activation':
    case 'contract':
    case 'rate_card':
    case 'fx_rate':
    case 'closed_period':
      return { ...document };
  }
}

/** For the audit and for listings: prices by their length and hash and what they say of themselves, a key with what is known of its secrets. */
export function shortDocument(document: ControlDocument): ShownDocument {
  switch (document.kind) {
    case 'price_book': {
      const { text, ...short } = document;
      const { number, author, note, at } = aboutBookText(text);
      const about = { number: number ?? null, author, note, at: at === undefined ? null : new Date(at).toISOString() };
      return { ...short, about, ...digestOf(text) };
    }
    case 'contract':
    case 'rate_card': {
      const { prices, ...short } = document;
      return prices === undefined ? short : { ...short, prices: digestOf(prices) };
    }
    case 'virtual_key':
      return { ...shownDocument(document), ...keyStatus(document) };
    case 'tenant':
    case 'project':
    case 'owner':
    case 'channel':
    case 'route':
    case 'price_book_activation':
    case 'fx_rate':
    case 'closed_period':
    case 'key_hash_secret':
      return shownDocument(document);
  }
}

/** Of a long text. */
function digestOf(text: string): { readonly characters: number; readonly sha256: string } {
  return { characters: text.length, sha256: createHash('sha256').update(text).digest('hex') };
}

function hasLongText({ kind }: ControlDocument): boolean {
  return kind === 'price_book' || kind === 'contract' || kind === 'rate_card';
}

/** `whole`: with long texts. The record is not of a deleted document. */
export function documentView(record: ControlRecord, document: ControlDocument, whole: boolean): DocumentView {
  const { kind, id, version, managed_by, changed_at, changed_by } = record;
  return {
    kind,
    id,
    version,
    managed_by,
    changed_at,
    changed_by,
    document: whole || !hasLongText(document) ? shownDocument(document) : shortDocument(document),
    key: document.kind === 'virtual_key' ? keyStatus(document) : null,
  };
}

function keyStatus(document: Extract<ControlDocument, { kind: 'virtual_key' }>): NonNullable<DocumentView['key']> {
  return {
    revoked: document.revoked,
    secrets: document.hashes.map(({ generation, created_at, expires_at }) => ({
      generation,
      created_at,
      expires_at: expires_at ?? null,
    })),
  };
}
