import { afterEach, expect, test, vi } from 'vitest';
import type { Conversation } from '$lib/api/types';
import { fitting, pages } from '$lib/shell/choices';
import { beside, grouped } from '$lib/shell/groups';
import { MOST, withLabel } from '$lib/shell/labels';
import { type Press, KEYS, actOf, paletteKey } from '$lib/shell/shortcuts.svelte';

const NOW = new Date('2026-03-30T10:00:00').getTime();

const talk = (id: string, updated: string, more: Partial<Conversation> = {}): Conversation => ({
  id,
  title: id,
  created_at: updated,
  updated_at: new Date(updated).toISOString(),
  state: 'idle',
  pinned: false,
  archived: false,
  labels: [],
  ...more
});

const some = [
  talk('new', '2026-03-30T09:00:00'),
  talk('pinned', '2025-01-01T09:00:00', { pinned: true }),
  talk('evening', '2026-03-29T23:59:00'),
  talk('week', '2026-03-23T00:00:00'),
  talk('month', '2026-03-22T23:59:00'),
  talk('year', '2025-12-24T12:00:00'),
  talk('christmas', '2025-12-23T12:00:00')
];

test('pinned ones come first, the others by day, week and month, also over a change of clocks', () => {
  expect(grouped(some, NOW).map(({ title, items }) => [title, ...items.map(({ id }) => id)])).toEqual([
    ['Pinned', 'pinned'],
    ['Today', 'new'],
    ['Yesterday', 'evening'],
    ['Last 7 days', 'week'],
    ['March 2026', 'month'],
    ['December 2025', 'year', 'christmas']
  ]);
  expect(grouped([], NOW)).toEqual([]);
});

test('one that was just unpinned stands where its day does', () => {
  const [first, second, ...rest] = some;
  const unpinned = [{ ...second, pinned: false }, first, ...rest] as Conversation[];
  expect(grouped(unpinned, NOW).map(({ title }) => title).at(-1)).toBe('January 2025');
});

test('the next one is that below in the list, and there is none beyond its ends', () => {
  expect(beside(some, 'pinned', 1, NOW)).toBe('new');
  expect(beside(some, 'new', -1, NOW)).toBe('pinned');
  expect(beside(some, 'pinned', -1, NOW)).toBeNull();
  expect(beside(some, 'christmas', 1, NOW)).toBeNull();
  expect(beside(some, undefined, 1, NOW)).toBe('pinned');
  expect(beside(some, 'archived one', -1, NOW)).toBe('christmas');
  expect(beside([], undefined, 1, NOW)).toBeNull();
});

test('a label is added once, in whatever case, and no more than fit', () => {
  expect(withLabel(['Home'], '  to   do ')).toEqual(['Home', 'to do']);
  expect(withLabel(['Home'], 'HOME')).toEqual(['Home']);
  expect(withLabel(['Home'], ' ')).toEqual(['Home']);
  const full = Array.from({ length: MOST }, (_, number) => `${number}`);
  expect(withLabel(full, 'one more')).toEqual(full);
});

const press = (key: string, more: Partial<Press> = {}): Press => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  repeat: false,
  isComposing: false,
  defaultPrevented: false,
  target: document.body,
  ...more
});
const linux = { single: true, platform: 'Linux x86_64' };
const mac = { single: true, platform: 'MacIntel' };

function within(markup: string): Element {
  document.body.innerHTML = markup;
  const inner = document.body.querySelector('.here');
  if (!inner) throw new Error('The markup has no place of the name.');
  return inner;
}

afterEach(() => {
  document.body.innerHTML = '';
  vi.unstubAllGlobals();
});

test('each key does its one thing', () => {
  for (const [act, key] of Object.entries(KEYS)) expect(actOf(press(key), linux)).toBe(act);
  expect(actOf(press('?', { shiftKey: true }), linux)).toBe('help');
  expect(actOf(press('/', { shiftKey: true }), linux)).toBe('search');
  expect(new Set(Object.values(KEYS)).size).toBe(Object.keys(KEYS).length);
});

test.each([
  '<input class="here">',
  '<textarea class="here"></textarea>',
  '<select class="here"></select>',
  '<div contenteditable="true"><b class="here">x</b></div>',
  '<div role="textbox" tabindex="0" class="here"></div>',
  '<div role="menu"><div role="menuitem" class="here"></div></div>',
  '<div role="dialog"><button class="here"></button></div>',
  '<div role="alertdialog"><button class="here"></button></div>'
])('no key by itself does anything in %s', (markup) => {
  const target = within(markup);
  for (const key of Object.values(KEYS)) expect(actOf(press(key, { target }), linux)).toBeNull();
  expect(actOf(press('k', { ctrlKey: true, target }), linux)).toBe('palette');
});

test('keys by themselves can be turned off, and the palette stays', () => {
  for (const key of Object.values(KEYS)) expect(actOf(press(key), { ...linux, single: false })).toBeNull();
  expect(actOf(press('k', { ctrlKey: true }), { ...linux, single: false })).toBe('palette');
});

test('the palette has the modifier of the system, and no other', () => {
  expect(actOf(press('k', { ctrlKey: true }), linux)).toBe('palette');
  expect(actOf(press('K', { ctrlKey: true }), linux)).toBe('palette');
  expect(actOf(press('k', { metaKey: true }), linux)).toBeNull();
  expect(actOf(press('k', { metaKey: true }), mac)).toBe('palette');
  expect(actOf(press('k', { ctrlKey: true }), mac)).toBeNull();
  expect(actOf(press('k', { ctrlKey: true, shiftKey: true }), linux)).toBeNull();
  expect([paletteKey('MacIntel'), paletteKey('Linux x86_64')]).toEqual(['⌘ K', 'Ctrl K']);
});

test.each<Partial<Press>>([
  { ctrlKey: true },
  { metaKey: true },
  { altKey: true },
  { repeat: true },
  { isComposing: true },
  { defaultPrevented: true },
  { shiftKey: true }
])('a key with %o is somebody else’s', (more) => {
  for (const key of ['n', 'j', 'm', 'd']) expect(actOf(press(key, more), linux)).toBeNull();
});

test('the palette finds by words in any order, by their beginning first', () => {
  const choices = [
    { id: 'a', title: 'What left' },
    { id: 'b', title: 'Übersicht', also: 'home' },
    { id: 'c', title: 'The lease' }
  ];
  const ids = (typed: string): string[] => fitting(choices, typed).map(({ id }) => id);
  expect(ids('le')).toEqual(['a', 'c']);
  expect(ids('lea')).toEqual(['c']);
  expect(ids('eft')).toEqual(['a']);
  expect(ids('lease the')).toEqual(['c']);
  expect(ids('uber HOME')).toEqual(['b']);
  expect(ids('')).toEqual(['a', 'b', 'c']);
  expect(ids('zebra')).toEqual([]);
});

test('each page is offered once, and people and the house to the owner alone', () => {
  const paths = pages(true).map(({ path }) => path);
  expect(new Set(paths).size).toBe(paths.length);
  expect(pages(false).map(({ path }) => path)).toEqual(paths.filter((path) => !['/people', '/house'].includes(path)));
});
