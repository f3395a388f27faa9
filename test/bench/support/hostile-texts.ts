/** Texts on which common tokenizers take quadratic time: one character, 100,000 times. */

const LENGTH = 100_000;

export const HOSTILE_TEXTS: readonly (readonly [string, string])[] = [
  ['one letter', 'a'.repeat(LENGTH)],
  ['one ideograph', '漢'.repeat(LENGTH)],
  ['one blank', ' '.repeat(LENGTH)],
  ['half a character', '\ud83d'.repeat(LENGTH)],
  ['different ideographs', differentIdeographs()],
];

/** Without a repetition that could be remembered. */
function differentIdeographs(): string {
  let state = 1;
  let text = '';
  for (let index = 0; index < LENGTH; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += String.fromCodePoint(0x4e00 + ((state >>> 8) % 20_000));
  }
  return text;
}
