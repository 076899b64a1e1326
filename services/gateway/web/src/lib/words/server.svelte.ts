import { type Known, translated } from './heard';

/** They come a moment after the page's own words; what was shown before is then shown anew. */
let known = $state.raw<Known>({});

/** From now on these sentences of the server are known. */
export function learn(sentences: Known): void {
  known = sentences;
}

/**
 * What the server said, in the language of the page where its words for that are known; else as it was said.
 *
 * `about` tells apart what English says with one word: such a sentence may be known as "about|said".
 */
export const heard = (said: string, about = ''): string =>
  (about && Object.hasOwn(known, `${about}|${said}`) && known[`${about}|${said}`]) || translated(known, said);
