import { afterEach, expect, test, vi } from 'vitest';
import { begin, choose, fitting, here, languages, localeOf } from '$lib/language';
import { ago, count, exact } from '$lib/times';
import { size } from '$lib/left/left';
import { money, units } from '$lib/usage/sums';
import { heard, speak, words } from '$lib/words';
import { translated } from '$lib/words/heard';
import { words as english } from '$lib/words/en';
import { counting } from '$lib/words/plural';
import { PSEUDO, pseudo } from '$lib/words/pseudo';

const others = import.meta.glob<object>('../../src/lib/words/*/index.ts', { import: 'words', eager: true });

/** Every sentence of a language by the way to it, such as "chat.send", with the kind of thing that it is. */
function sentences(value: unknown, path = ''): [string, string][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path, Array.isArray(value) ? 'list' : typeof value]];
  return Object.entries(value).flatMap(([name, each]) => sentences(each, path ? `${path}.${name}` : name));
}

const tags = Object.keys(others).map((path) => path.split('/').at(-2) ?? '');

afterEach(async () => {
  choose('');
  await begin();
  speak(english);
});

test('German is there', () => expect(tags).toContain('de'));

test.each(Object.entries(others))('%s says all that English says, and nothing else', (_, spoken) => {
  const [wanted, found] = [new Map(sentences(english)), new Map(sentences(spoken))];
  expect([...wanted.keys()].filter((each) => !found.has(each)), 'missing').toEqual([]);
  expect([...found.keys()].filter((each) => !wanted.has(each)), 'unknown to English').toEqual([]);
  expect([...wanted].filter(([each, kind]) => found.get(each) !== kind), 'of another kind').toEqual([]);
});

test.each(Object.entries(others))('%s leaves nothing empty that English says', (_, spoken) => {
  const texts = (value: unknown, path = ''): [string, string][] =>
    typeof value === 'string'
      ? [[path, value]]
      : typeof value === 'object' && value !== null
        ? Object.entries(value).flatMap(([name, each]) => texts(each, `${path}.${name}`))
        : [];
  const wanted = new Map(texts(english));
  expect(texts(spoken).filter(([path, text]) => !text.trim() && wanted.get(path)?.trim())).toEqual([]);
});

test('choices keep the values that the house knows, in every language', () => {
  for (const spoken of Object.values(others) as (typeof english)[]) {
    expect(spoken.moving.protection.map(({ value }) => value)).toEqual(english.moving.protection.map(({ value }) => value));
    expect(spoken.moving.key.map(({ value }) => value)).toEqual(english.moving.key.map(({ value }) => value));
  }
});

test('the language is the first that is wanted and there is, whatever the country', () => {
  expect(fitting(['fr-FR', 'de-AT', 'en'], ['en', 'de'])).toBe('de');
  expect(fitting(['DE'], ['en', 'de'])).toBe('de');
  expect(fitting(['', 'en-US'], ['en', 'de'])).toBe('en');
  expect(fitting(['xx', 'constructor'], ['en', 'de'])).toBe('en');
});

test('dates are written as in the country of the browser, where it speaks the language', () => {
  expect(localeOf('de', ['fr-FR', 'de-AT', 'de-DE'])).toBe('de-AT');
  expect(localeOf('de', ['en-US'])).toBe('de-DE');
  expect(localeOf('fr', ['en-US'])).toBe('fr');
});

test('a choice outlives the page, and changes words, times, numbers and the document', async () => {
  choose('de');
  await begin();
  expect(words.chat.send).toBe('Senden');
  expect(document.documentElement.lang).toBe('de');
  expect(here()).toBe('de-DE');
  expect(count(1234567)).toBe('1.234.567');
  expect(size(2140)).toBe('2,1 kB');
  expect(units(2_500_000)).toBe('2,5');
  expect(money(1_990_000, 'EUR')).toBe('1,99\u00a0€');
  expect(ago('2026-05-04T07:00:00Z', Date.parse('2026-05-04T07:00:20Z'))).toBe('gerade eben');
  expect(ago('2026-05-04T07:00:00Z', Date.parse('2026-05-04T10:00:00Z'))).toBe('vor 3 Stunden');
  expect(exact('2026-05-04T07:00:00Z')).toContain('4. Mai 2026');
  expect(words.approval.pending(1)).toBe('1 Entscheidung wartet auf dich');
  expect(words.approval.pending(2)).toBe('2 Entscheidungen warten auf dich');
});

test('so many is said in the form that the language has for the number', () => {
  const polish = counting('pl');
  const mails = { one: 'list', few: 'listy', many: 'listów', other: 'listu' };
  expect([1, 3, 5, 22].map((each) => polish(each, mails))).toEqual(['1 list', '3 listy', '5 listów', '22 listy']);
});

test('each language is offered by its own name', () => {
  expect(languages()).toEqual(expect.arrayContaining([{ tag: 'de', name: 'Deutsch' }, { tag: 'en', name: 'English' }]));
});

test('the strange languages change every sentence, those of functions too', async () => {
  const strange = pseudo(PSEUDO.accented, english);
  expect(strange.chat.send).not.toBe(english.chat.send);
  expect(strange.shell.actions('x').length).toBeGreaterThan(english.shell.actions('x').length * 1.3);
  expect(strange.moving.protection[0]?.value).toBe('none');
  choose(PSEUDO.mirrored);
  await begin();
  expect(document.documentElement.dir).toBe('rtl');
});

test('what the server says is said in the language of the page, and else as the server said it', async () => {
  choose('de');
  await begin();
  await vi.waitFor(() => expect(heard('The password is wrong.')).toBe('Das Passwort ist falsch.'));
  expect(heard('To')).toBe('An');
  expect(heard('To', 'day')).toBe('Bis');
  expect(heard('A sentence that nobody knows.')).toBe('A sentence that nobody knows.');
  expect(heard('constructor')).toBe('constructor');
  expect(heard('')).toBe('');
});

test('what differs in a sentence is put where the other language has it', () => {
  const known = { '{} things wait.': '{} Dinge warten.', '{} wrote {} (yes?)': '{} schrieb {} (ja?)' };
  expect(translated(known, '12 things wait.')).toBe('12 Dinge warten.');
  expect(translated(known, '12 things wait!')).toBe('12 things wait!');
  expect(translated(known, 'Ada $& wrote {} (yes?)')).toBe('Ada $& schrieb {} (ja?)');
});
