import { words } from '$lib/words';

/** Browsers by what only they say of themselves; an earlier one wins, for most claim to be others as well. */
const BROWSERS: readonly [string, RegExp][] = [
  ['oa', /^oa\b/],
  ['Edge', /Edg(e|A|iOS)?\//],
  ['Opera', /OPR\//],
  ['Samsung Internet', /SamsungBrowser\//],
  ['Firefox', /Firefox\/|FxiOS\//],
  ['Chrome', /Chrom(e|ium)\/|CriOS\//],
  ['Safari', /Version\/.*Safari\//]
];
const SYSTEMS: readonly [string, RegExp][] = [
  ['iPhone', /iPhone/],
  ['iPad', /iPad/],
  ['Android', /Android/],
  ['Windows', /Windows/],
  ['ChromeOS', /CrOS/],
  ['macOS', /Mac OS X|Macintosh/],
  ['Linux', /Linux/]
];

const named = (agent: string, known: readonly [string, RegExp][]): string => known.find(([, form]) => form.test(agent))?.[0] ?? '';

/** What a person calls the browser that names itself so: “Firefox on Linux”. */
export function browserOf(agent: string): string {
  const browser = named(agent, BROWSERS) || agent.split(/[\s/]/)[0] || words.security.unknownBrowser;
  return words.security.browser(browser.slice(0, 40), named(agent, SYSTEMS));
}
