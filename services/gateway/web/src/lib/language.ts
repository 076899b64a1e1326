import { version } from '$app/environment';
import { type Words, speak } from '$lib/words';
import type { Known } from '$lib/words/heard';
import { leave } from '$lib/words/kept';
import { PSEUDO, pseudo } from '$lib/words/pseudo';
import { learn } from '$lib/words/server.svelte';

interface Language {
  words: Words;
  /** Loads what is known of the server's sentences. */
  server?: () => Promise<Known>;
}

/** A folder of words is a language, under its name in BCP 47. */
const files = import.meta.glob<Language>('./words/*/index.ts');
const tagOf = (path: string): string => path.split('/').at(-2) ?? '';
const loaders = Object.fromEntries(Object.entries(files).map(([path, load]) => [tagOf(path), load]));

const FALLBACK = 'en';
/** How numbers and dates are written where the browser names no country. */
const COUNTRY: Readonly<Record<string, string>> = { en: 'en-GB', de: 'de-DE' };
const FROM_RIGHT = /^(ar|arc|ckb|dv|fa|he|ks|ps|sd|ug|ur|yi)(-|$)/;
const KEPT = 'language';

let locale: string = COUNTRY[FALLBACK] ?? FALLBACK;

/** How dates, numbers and lists are written: the language of the page, with the browser's country where it names one for it. */
export const here = (): string => locale;

/** A page for everybody, which the server writes, in the language of this page. */
export const publicPage = (name: 'welcome' | 'privacy' | 'terms'): string => `/${name}?lang=${document.documentElement.lang}`;

/** The languages that there are, each by its own name for itself. */
export function languages(): { tag: string; name: string }[] {
  const real = Object.keys(loaders).map((tag) => ({ tag, name: nameOf(tag) }));
  const strange = import.meta.env.DEV ? Object.values(PSEUDO).map((tag) => ({ tag, name: tag })) : [];
  return [...real.sort((left, right) => left.name.localeCompare(right.name)), ...strange];
}

/** The language that was chosen in this browser; empty where it is to be the browser's own. */
export function chosen(): string {
  try {
    return localStorage.getItem(KEPT) ?? '';
  } catch {
    return '';
  }
}

/** Keeps a choice for this browser, '' for none. It shows in the next page that is loaded. */
export function choose(tag: string): void {
  try {
    if (tag) localStorage.setItem(KEPT, tag);
    else localStorage.removeItem(KEPT);
  } catch {
    // Storage is refused: the browser's own language it is.
  }
}

/** Loads the words of the language before anything is shown, and marks the document with it. Raises what a lost script raises. */
export async function begin(): Promise<void> {
  const tag = fitting([chosen(), ...navigator.languages], [...Object.keys(loaders), ...Object.values(PSEUDO)]);
  const isStrange = Object.values<string>(PSEUDO).includes(tag);
  const load = loaders[isStrange ? FALLBACK : tag];
  if (!load) throw new TypeError('There is no such language.');
  const loaded = await load();
  speak(isStrange ? pseudo(tag, loaded.words) : loaded.words);
  void hear(isStrange ? {} : loaded, `${tag} ${version}`).catch(() => undefined);
  locale = isStrange ? 'en-GB' : localeOf(tag, navigator.languages);
  document.documentElement.lang = isStrange ? FALLBACK : tag;
  document.documentElement.dir = FROM_RIGHT.test(tag) ? 'rtl' : 'ltr';
}

/** Learns what the server says and leaves it for the worker. Where that cannot be loaded, the server is shown as it speaks. */
async function hear({ server }: Pick<Language, 'server'>, mark: string): Promise<void> {
  learn({});
  const known = server ? await server() : {};
  learn(known);
  await leave(known, mark);
}

/** The first wanted language that there is: itself, or without its country. */
export function fitting(wanted: readonly string[], existing: readonly string[]): string {
  for (const each of wanted) {
    const found = existing.find((tag) => tag === each) ?? existing.find((tag) => tag === languageOf(each));
    if (found) return found;
  }
  return FALLBACK;
}

/** What a browser wants that speaks the language, else what is usual for it. */
export const localeOf = (tag: string, wanted: readonly string[]): string =>
  wanted.find((each) => each.includes('-') && languageOf(each) === languageOf(tag)) ?? COUNTRY[tag] ?? tag;

const languageOf = (tag: string): string => tag.split('-')[0]?.toLowerCase() ?? '';

const nameOf = (tag: string): string => {
  const name = new Intl.DisplayNames([tag], { type: 'language' }).of(tag) ?? tag;
  return name.charAt(0).toLocaleUpperCase(tag) + name.slice(1);
};
