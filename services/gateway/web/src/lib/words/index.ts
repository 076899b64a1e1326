import type { Words } from './types';

export { heard } from './server.svelte';
export type { Words } from './types';

/**
 * Every sentence of the interface, in the language that was chosen when the page began.
 *
 * It is empty until then, so what is said has to be read where it is shown and not while a module loads.
 */
export const words = {} as Words;

/** Speaks this language from now on. */
export const speak = (language: Words): void => void Object.assign(words, language);
