import type { words as english } from './en';
import type { lending } from './en/lending';

/** The same sentences in any language: texts for texts, functions for functions of the same facts, lists as long as they like. */
type Said<T> = T extends string
  ? string
  : T extends (...facts: infer Facts) => unknown
    ? (...facts: Facts) => string
    : T extends readonly (infer Item)[]
      ? readonly Said<Item>[]
      : { readonly [Name in keyof T]: Said<T[Name]> };

/** What a language has to say. English is its measure: what it has not, or has besides, the compiler refuses. */
export type Words = Said<typeof english>;

/** The same of what is loaded where accounts are lent. */
export type LendingWords = Said<typeof lending>;
