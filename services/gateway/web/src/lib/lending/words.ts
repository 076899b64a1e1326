import type { LendingWords } from '$lib/words/types';

/** Of all languages, with what is loaded here alone: each has a few lines. */
const files = import.meta.glob<LendingWords>('../words/*/lending.ts', { import: 'lending', eager: true });
const spoken = files[`../words/${document.documentElement.lang}/lending.ts`] ?? files['../words/en/lending.ts'];
if (!spoken) throw new TypeError('There is no such language.');

/** The sentences about lending, in the language of the page. */
export const lending: LendingWords = spoken;
