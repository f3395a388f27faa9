/** Everything of a listing, page by page. */
import { documentPageSchema, type DocumentView, PAGE_SIZE_MAX } from '@tokenledger/control';
import type { Query, RegistryClient } from './client.ts';

export async function allDocuments(registry: RegistryClient, query: Query): Promise<readonly DocumentView[]> {
  const found: DocumentView[] = [];
  let cursor: string | undefined;
  do {
    const page = await registry.get('/v1/documents', { ...query, limit: PAGE_SIZE_MAX, cursor }, documentPageSchema);
    found.push(...page.documents);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return found;
}
