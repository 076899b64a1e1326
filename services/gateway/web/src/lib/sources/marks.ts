/** A mark by which the model names a source: `[[` and `]]` around what stands as its key in a result. */
export const MARK = /^\[\[([^[\]\n]{1,300})\]\]/;
const MARKS = /[ \t]?\[\[([^[\]\n]{1,300})\]\]/g;
/** The beginning of one at the end of a text that still grows. */
export const BEGUN = /[ \t]?\[(?:\[[^[\]\n]{0,300}\]?)?$/;

/** What a mark says: the source's number in this answer, and its title. */
export interface Cited {
  number: number;
  title: string;
}

export type Cite = (key: string) => Cited | null;

/** The keys of the known sources that a text names, each once, in their order. */
export function namedIn(text: string, known: { has(key: string): boolean }): string[] {
  if (!text.includes('[[')) return [];
  const keys = [...text.matchAll(MARKS)].map(([, key]) => (key ?? '').trim());
  return [...new Set(keys)].filter((key) => known.has(key));
}

/** A text without the marks of known sources, to be heard or to be taken elsewhere. */
export function unmarked(text: string, known: { has(key: string): boolean }): string {
  return text.replace(MARKS, (mark, key: string) => (known.has(key.trim()) ? '' : mark));
}
