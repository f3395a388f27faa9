/** Documents as the admin API shows them, for tests. */
import type { DocumentView } from '@tokenledger/control';

export function sampleView(
  document: DocumentView['document'] & { readonly kind: DocumentView['kind']; readonly id: string },
): DocumentView {
  const key = { revoked: false, secrets: [{ generation: 1, created_at: '2026-11-21T12:00:00.000Z', expires_at: null }] };
  return {
    kind: document.kind,
    id: document.id,
    version: 3,
    managed_by: 'api',
    changed_at: '2026-11-21T12:00:00.000Z',
    changed_by: 'ops',
    document,
    key: document.kind === 'virtual_key' ? key : null,
  };
}

export const SAMPLE_OWNER: DocumentView = sampleView({
  kind: 'owner',
  id: 'ada',
  tenant: 'acme',
  name: 'Ada Lovelace',
  team: 'search',
  email: '',
});

export const SAMPLE_KEY: DocumentView = sampleView({
  kind: 'virtual_key',
  id: 'bot',
  tenant: 'acme',
  project: 'chat',
  owner: 'ada',
  class: 'sandbox',
  fixed: { application: 'bot' },
});
