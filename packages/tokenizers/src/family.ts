/** Families of models: which tokenizer counts them, in which framing, and how sure that is. Found by name, since providers, routers and clouds all name
 *  the same models a little differently (`gpt-4o-2024-08-06`, `openai/gpt-4o`, `ft:gpt-4o-mini:acme::1`, `us.anthropic.claude-sonnet-4-5-20250929-v1:0`). */
import type { TokenizerName } from './tokenizer.ts';

/** How a conversation is put into one text before it is tokenized (`framing.ts`). */
export type FramingName =
  | 'openai'
  | 'openai_reasoning'
  | 'claude'
  | 'claude_4_5'
  | 'llama3'
  | 'gemini'
  | 'gemma'
  | 'chatml'
  | 'deepseek'
  | 'mistral'
  | 'none';

export interface ModelFamily {
  readonly name: string;
  readonly tokenizer: TokenizerName;
  /** Whether the vocabulary is the model's own. */
  readonly isOwnTokenizer: boolean;
  readonly framing: FramingName;
  /** Whether the framing of plain conversations is known to the token. */
  readonly isFramingKnown: boolean;
  /** What counts with another's vocabulary are multiplied by. */
  readonly inputFactor: number;
  readonly outputFactor: number;
}

const OWN = { isOwnTokenizer: true, inputFactor: 1, outputFactor: 1 } as const;
const O200K = { tokenizer: 'o200k_base', ...OWN, isFramingKnown: true } as const;
const CL100K = { tokenizer: 'cl100k_base', ...OWN, isFramingKnown: true } as const;
const GUESSED = { ...OWN, isFramingKnown: false } as const;
/** No vocabulary of Claude's is public. The factors were fitted on recorded exchanges with short prompts, those of the newest on what others measured. */
const CLAUDE = { tokenizer: 'o200k_base', isOwnTokenizer: false, isFramingKnown: false } as const;

/** The first whose pattern fits the plain name. */
const FAMILIES: readonly (readonly [RegExp, ModelFamily])[] = [
  [/^gpt-oss/, { name: 'gpt-oss', tokenizer: 'o200k_base', framing: 'openai_reasoning', ...GUESSED }],
  [/^(gpt-5.*-chat|chatgpt-4o|gpt-4o|gpt-4\.1|gpt-4\.5)/, { name: 'gpt-4o', framing: 'openai', ...O200K }],
  [/^gpt-5/, { name: 'gpt-5', framing: 'openai_reasoning', ...O200K }],
  [/^(o1|o3|o4|codex-mini|computer-use)/, { name: 'o-series', framing: 'openai_reasoning', ...O200K }],
  [/^gpt-6/, { name: 'gpt-6', tokenizer: 'o200k_base', framing: 'openai_reasoning', ...GUESSED, isOwnTokenizer: false }],
  [/^(gpt-3\.5|gpt-35|gpt-4)/, { name: 'gpt-4', framing: 'openai', ...CL100K }],
  [/^(text-embedding-3|text-embedding-ada-002|davinci-002|babbage-002|davinci:|babbage:)/, { name: 'cl100k', framing: 'none', ...CL100K }],
  [
    /^claude-((opus|sonnet)-4-[7-9]|[a-z]+-[5-9])/,
    { name: 'claude-new', inputFactor: 1.38, outputFactor: 1.38, framing: 'claude_4_5', ...CLAUDE },
  ],
  [/^claude-(opus|sonnet|haiku)-4-[56]/, { name: 'claude-4.5', inputFactor: 1.17, outputFactor: 1.09, framing: 'claude_4_5', ...CLAUDE }],
  [/^claude/, { name: 'claude', inputFactor: 1.17, outputFactor: 1.09, framing: 'claude', ...CLAUDE }],
  [/^gemini-(?!embedding)/, { name: 'gemini', tokenizer: 'gemma3', ...GUESSED, isOwnTokenizer: false, framing: 'gemini' }],
  [/^gemma-?3/, { name: 'gemma3', tokenizer: 'gemma3', framing: 'gemma', ...GUESSED }],
  [/^llama-?3($|-(8|70)b|:)/, { name: 'llama3', tokenizer: 'llama3', framing: 'llama3', ...OWN, isFramingKnown: true }],
  [/^llama-?3/, { name: 'llama3.x', tokenizer: 'llama3', framing: 'llama3', ...GUESSED }],
  [
    /^(mistral-(nemo|small|large|medium)|ministral|pixtral|magistral|devstral|open-mistral-nemo)/,
    { name: 'mistral', tokenizer: 'mistral_nemo', framing: 'mistral', ...GUESSED },
  ],
  [/^deepseek-(chat|reasoner|v3|r1|v4)/, { name: 'deepseek', tokenizer: 'deepseek_v3', framing: 'deepseek', ...GUESSED }],
  [/^qwen-?(3|2\.5)|^qwq/, { name: 'qwen', tokenizer: 'qwen3', framing: 'chatml', ...GUESSED }],
  [/^command-(r|a)/, { name: 'command-r', tokenizer: 'command_r_plus', framing: 'none', ...GUESSED }],
];

/** Models whose vocabulary is in no package here, nor is an estimate known. */
const WITHOUT_VOCABULARY =
  /^(grok|kimi|glm|nova|titan|llama-?[24]|command($|-light|-text|-nightly)|mi[sx]tral-(tiny|7b|8x)|mixtral|j2|jamba|palmyra|sonar)/;

/** Characters of a name that are looked at. */
const NAME_CHARS_MAX = 256;
/** Names whose families are remembered; a few dozen are in use at a time. */
const REMEMBERED_NAMES = 1_000;

interface Known {
  readonly family: ModelFamily | undefined;
  readonly hasNoVocabulary: boolean;
}

const remembered = new Map<string, Known>();

function lookUp(model: string): Known {
  let known = remembered.get(model);
  if (known !== undefined) return known;
  const name = plainName(model.slice(0, NAME_CHARS_MAX));
  const family = FAMILIES.find(([pattern]) => pattern.test(name))?.[1];
  known = { family, hasNoVocabulary: WITHOUT_VOCABULARY.test(name) };
  if (remembered.size >= REMEMBERED_NAMES) remembered.clear();
  if (model.length <= NAME_CHARS_MAX) remembered.set(model, known);
  return known;
}

/** Undefined for a model of no family here. */
export function familyOf(model: string): ModelFamily | undefined {
  return lookUp(model).family;
}

/** Why a model that has no family is not counted. */
export function reasonWithoutFamily(model: string): 'model_unknown' | 'no_tokenizer' {
  return lookUp(model).hasNoVocabulary ? 'no_tokenizer' : 'model_unknown';
}

/** Whether a name tells what model it is, be it counted or not. */
export function isModelKnown(model: string): boolean {
  const { family, hasNoVocabulary } = lookUp(model);
  return family !== undefined || hasNoVocabulary;
}

/** Without vendors and regions before the name; a fine-tuned model's name is its base model's. */
export function plainName(model: string): string {
  const base = /^ft:([^:]+)/.exec(model)?.[1] ?? model;
  const path = base.slice(base.lastIndexOf('/') + 1).toLowerCase();
  const unclouded = path.replace(
    /^(?:(?:us|eu|apac|jp|au|ca|global)\.)?(?:anthropic|amazon|ai21|meta|mistral|cohere|deepseek|moonshotai|qwen|openai|google)\./,
    '',
  );
  // Llama's own name for its instances; and Claude's parts in the order that routers have them in, from version 4 on.
  return unclouded
    .replace(/^meta-llama-/, 'llama-')
    .replace(/^claude-([4-9](?:[.-]\d)?)-(opus|sonnet|haiku)/, 'claude-$2-$1')
    .replace(/^(claude-[a-z]+-\d)\.(\d)/, '$1-$2');
}
