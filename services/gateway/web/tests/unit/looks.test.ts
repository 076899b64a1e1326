import { afterEach, expect, test, vi } from 'vitest';
import { api } from '$lib/api/client';
import { Problem } from '$lib/api/problem';
import type { LookSource } from '$lib/api/types';
import { rowsOf } from '$lib/commands/results';
import { byTime, isOver, isoDay, newestFirst, Today, todayOf } from '$lib/home/day.svelte';
import { Asked, listed, named } from '$lib/looks/asked.svelte';
import { readingOf } from '$lib/looks/reading';
import { forgetAll, recent, remember } from '$lib/looks/recent';
import { Talks } from '$lib/looks/talks.svelte';

const source = (connector: string, more: Partial<LookSource> = {}): LookSource => ({
  connector, name: connector, account: connector.repeat(4), account_name: 'Home', local: true, runs: true, key: 'id', found_in: {}, ...more
});
const answer = (...titles: string[]) => ({ content: { things: titles.map((title, id) => ({ id, title })) }, sources: [], link: null, change: null });
const row = (title: string, start: string, end = '') => ({ source: source('post'), row: { title, start, end, who: '', where: '', text: '', isNew: false, key: '' } });

afterEach(() => {
  vi.restoreAllMocks();
  localStorage.clear();
});

test('each account answers for itself, and who fails is named', async () => {
  vi.spyOn(api, 'look').mockImplementation((_, { connector }) =>
    connector === 'post' ? Promise.reject(new Problem(504, 'deadline_exceeded', 'No answer', 'Late.')) : Promise.resolve(answer('A', 'B'))
  );
  const asked = new Asked('find');
  await asked.ask([source('mail'), source('post')], { text: 'x' });
  expect(asked.rows.map((each) => [each.row.title, each.row.key, each.source.connector])).toEqual([['A', '0', 'mail'], ['B', '1', 'mail']]);
  expect(asked.silent.map((each) => each.source.connector)).toEqual(['post']);
  expect(asked.busy).toBe(false);
});

test('conversations are a source of their own: what comes late is left out, and who fails is asked again', async () => {
  const hit = { conversation: 'c', title: '', archived: false, message: 'm', role: 'user' as const, created_at: '2026-01-01', shreds: [] };
  const late: ((found: Awaited<ReturnType<typeof api.search>>) => void)[] = [];
  const search = vi.spyOn(api, 'search').mockImplementation(() => new Promise((resolve) => late.push(resolve)));
  const talks = new Talks();
  const first = talks.ask('old');
  const second = talks.ask('new');
  late[1]?.({ conversations: [], hits: [hit], next: 7 });
  late[0]?.({ conversations: [], hits: [], next: null });
  await Promise.all([first, second]);
  expect([talks.state, talks.hits.length, talks.hasMore]).toEqual(['found', 1, true]);
  search.mockRejectedValueOnce(new Problem(503, 'unavailable', 'Away', 'Later.'));
  await talks.ask('new');
  expect([talks.state, talks.hits, talks.problem?.detail]).toEqual(['failed', [], 'Later.']);
  talks.clear();
  expect([talks.state, talks.problem]).toEqual(['idle', null]);
});

test('what comes late to an earlier question is left out', async () => {
  const late: ((value: ReturnType<typeof answer>) => void)[] = [];
  vi.spyOn(api, 'look').mockImplementation(() => new Promise((resolve) => late.push(resolve)));
  const asked = new Asked('find');
  const first = asked.ask([source('mail')], { text: 'old' });
  const second = asked.ask([source('mail')], { text: 'new' });
  late[1]?.(answer('New'));
  late[0]?.(answer('Old'));
  await Promise.all([first, second]);
  expect(asked.rows.map((each) => each.row.title)).toEqual(['New']);
});

test('sources are named once, with their account', () => {
  expect(listed([source('Gmail'), source('Gmail', { account: null }), source('Notion')])).toBe('Gmail and Notion');
  expect([named(source('Mail')), named(source('Mail', { account_name: '' }))]).toEqual(['Mail · Home', 'Mail']);
});

test('home asks only what is answered in the house, of today alone, and not again within a minute', async () => {
  vi.spyOn(api, 'lookSources').mockImplementation((command) => Promise.resolve([source('near'), source('far', { local: command === 'agenda' })]));
  const look = vi.spyOn(api, 'look').mockResolvedValue(answer('A'));
  const today = new Today();
  const noon = new Date(2026, 10, 29, 12).getTime();
  await today.refresh(noon);
  await today.refresh(noon + 30_000);
  expect(look.mock.calls.map(([command, { connector }, fields]) => [command, connector, fields])).toEqual([
    ['agenda', 'near', { from: '2026-11-29', to: '2026-11-29' }],
    ['agenda', 'far', { from: '2026-11-29', to: '2026-11-29' }],
    ['waiting', 'near', {}]
  ]);
  await today.refresh(noon + 61_000);
  expect(look).toHaveBeenCalledTimes(6);
});

test('the day begins with what lasts all of it, and knows what is over', () => {
  const rows = [row('Late', '2026-11-29T20:00:00Z'), row('Whole', '2026-11-29'), row('Early', '2026-11-29T06:00:00Z', '2026-11-29T07:00:00Z')];
  expect(byTime(rows).map((each) => each.row.title)).toEqual(['Whole', 'Early', 'Late']);
  expect(newestFirst(rows).map((each) => each.row.title)).toEqual(['Late', 'Early', 'Whole']);
  expect(byTime(rows).map((each) => isOver(each, Date.parse('2026-11-29T12:00:00Z')))).toEqual([false, true, false]);
  expect(isoDay(new Date(2026, 0, 5))).toBe('2026-01-05');
});

test('a mail is read part by part, an event with its facts, and ids are left out', () => {
  const by = (text: string) => ({ text, source: 'a mail', authors: ['c@example.org'] });
  const thread = readingOf({ messages: [{ id: '1', subject: by('Lease'), sender: by('Carol'), text: by('Come.'), quoted: by('> Old'), attachments: null }], note: 'More.' });
  expect(thread).toEqual({ parts: [{ key: '1', title: 'Lease', facts: [['Sender', 'Carol']], texts: ['Come.', '> Old'] }], note: 'More.' });
  const event = readingOf({ id: 'e', start: '2026-11-29', title: by('Call'), all_day: true, guests: [{ address: by('c@example.org'), answer: 'accepted' }], note: '' });
  expect(event.parts).toEqual([{ key: 'e', title: 'Call', facts: [['Start', '2026-11-29'], ['All day', 'yes'], ['Guests', 'c@example.org accepted']], texts: [] }]);
  expect(readingOf('plain').parts[0]?.texts).toEqual(['plain']);
  expect(readingOf({ text: 'go on', start: 0, next: 400 }).parts).toEqual([{ key: '', title: '', facts: [], texts: ['go on'] }]);
});

test('what is kept of a contact stands under its own labels', () => {
  const details = { Name: [{ text: 'Carol Meyer' }], Mail: [{ text: 'home: carol@example.org' }, { text: 'work: c@work.example' }], Notes: [{ text: 'The agency' }] };
  const { parts } = readingOf({ id: 'p', name: { text: 'Carol Meyer' }, details, groups: [] });
  expect(parts[0]).toMatchObject({ title: 'Carol Meyer', facts: [['Mail', 'home: carol@example.org, work: c@work.example'], ['Notes', 'The agency']] });
});

test('a message without a subject is a row by its text, and a contact shows its addresses', () => {
  expect(rowsOf({ messages: [{ chat: 'c1', sender: 'Bob', text: { text: 'See you' } }] }, 'chat')?.rows[0]).toMatchObject({ title: 'See you', who: 'Bob', key: 'c1' });
  expect(rowsOf({ contacts: [{ id: 'p', name: { text: 'Carol' }, emails: [{ text: 'a@x.example' }, { text: 'b@x.example' }] }] })?.rows[0]).toMatchObject({ who: 'a@x.example, b@x.example', key: '' });
});

test('one thing without a title leaves the others in their rows', () => {
  const found = rowsOf({ drafts: [{ draft: 'd1', subject: { text: '' }, excerpt: { text: 'I come at noon' } }, { draft: 'd2', subject: null, recipients: { text: 'carol@example.org' } }, { draft: 'd3' }] }, 'draft');
  expect(found?.rows.map((row) => [row.title, row.who, row.key])).toEqual([['I come at noon', '', 'd1'], ['Without a title', 'carol@example.org', 'd2'], ['Without a title', '', 'd3']]);
  expect(rowsOf({ counts: [{ day: '2026-11-30', count: 4 }] }, 'id')).toBeNull();
});

test('eight searches are kept, the newest first, each once, and all forgotten at once', () => {
  for (const each of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'b']) remember(each);
  expect(recent()).toEqual(['b', 'i', 'h', 'g', 'f', 'e', 'd', 'c']);
  expect(forgetAll()).toEqual([]);
  expect(recent()).toEqual([]);
  localStorage.setItem('recent-searches', '{"no": "list"}');
  expect(recent()).toEqual([]);
});

test('who signs in next sees nothing of the day of whoever was there before', () => {
  const first = todayOf('ada');
  expect(todayOf('ada')).toBe(first);
  expect(todayOf('bob')).not.toBe(first);
  expect(todayOf('ada')).not.toBe(first);
});
