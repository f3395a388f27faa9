/** The list of models, in either provider's shape. */

const OPENAI_MODELS = ['gpt-4o', 'gpt-4o-mini', 'gpt-4.1', 'gpt-4.1-mini', 'gpt-5', 'gpt-5-mini', 'o4-mini'];
const ANTHROPIC_MODELS = ['claude-haiku-4-5-20251001', 'claude-sonnet-4-5-20250929', 'claude-opus-4-5-20251101'];

export function modelList(anthropic: boolean): string {
  if (!anthropic) {
    const data = OPENAI_MODELS.map((id) => ({ id, object: 'model', created: 1_735_689_600, owned_by: 'system' }));
    return JSON.stringify({ object: 'list', data });
  }
  const data = ANTHROPIC_MODELS.map((id) => ({ type: 'model', id, display_name: id, created_at: '2025-01-01T00:00:00Z' }));
  return JSON.stringify({ data, has_more: false, first_id: ANTHROPIC_MODELS[0], last_id: ANTHROPIC_MODELS.at(-1) });
}
