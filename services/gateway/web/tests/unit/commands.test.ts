import { expect, test } from 'vitest';
import type { Command } from '$lib/api/types';
import { rowsOf } from '$lib/commands/results';
import { matching, namesUnknown, questionsOf, startingValues, typed } from '$lib/commands/typed';
import { mistakes, payload } from '$lib/forms/schema';
import { span } from '$lib/times';
import { commands as listed, events, id, mails } from '../mock/data.mjs';

const commands = listed as unknown as Command[];
const named = (name: string): Command => commands.find((each) => each.name === name) as Command;

test('a slash and a beginning name the commands that it may become', () => {
  const names = (text: string): string[] => matching(text, commands).map((each) => each.name);
  expect(names('/')).toEqual(['agenda', 'event', 'find', 'mail']);
  expect(names('/F')).toEqual(['find']);
  for (const text of ['', 'find', '/find lease', '/nothing', ' /find', '//']) expect(names(text)).toEqual([]);
});

test('what is written as a command and is none of the list is told from other texts', () => {
  for (const text of ['/drafts', ' /Drafts ', '/nothing at all']) expect(namesUnknown(text, commands)).toBe(true);
  for (const text of ['', '/', '/find', '/FIND lease', 'find', '/usr/bin', '//']) expect(namesUnknown(text, commands)).toBe(false);
  expect(namesUnknown('/find', [])).toBe(true);
});

test('what follows a typed command goes into its first field, and whole ones are told from those that need more', () => {
  expect(typed('/find the lease', commands)).toMatchObject({ values: { text: 'the lease' }, isWhole: true });
  expect(typed('/find', commands)).toMatchObject({ isWhole: false });
  expect(typed('/mail carol@example.org', commands)).toMatchObject({ values: { to: 'carol@example.org' }, isWhole: false });
  expect(typed('/agenda', commands)).toMatchObject({ isWhole: true });
  expect(typed('/agenda tomorrow', commands)).toMatchObject({ isWhole: false });
  for (const text of ['/nothing', 'find lease', '/etc/passwd', '/']) expect(typed(text, commands)).toBeNull();
});

test('accounts are chosen by name, one at once where one is needed and every one where not', () => {
  const account = (name: string) => questionsOf(named(name)).find((field) => field.name === 'account');
  expect(account('mail')).toMatchObject({ kind: 'choice', blank: '', labels: { [id('b')]: 'ada@work.example' } });
  expect(account('find')).toMatchObject({ blank: 'Every account' });
  expect(startingValues(named('mail')).account).toBe(id('a'));
  expect(startingValues(named('find')).account).toBe('');
  expect(payload(questionsOf(named('find')), { text: 'lease', account: '' }).settings).toEqual({ text: 'lease' });
});

test('addresses stand between commas, and a comma inside quotes is none', () => {
  const questions = questionsOf(named('mail'));
  const whole = { ...startingValues(named('mail')), subject: 'Friday', text: 'Hello' };
  const values = { ...whole, to: '"Meyer, Carol" <carol@example.org>; dan@example.org,\n' };
  expect(mistakes(questions, values)).toEqual({});
  expect(payload(questions, values).settings.to).toEqual(['"Meyer, Carol" <carol@example.org>', 'dan@example.org']);
  for (const to of ['', ' , ', 'nobody', 'carol@example.org dan', 'Meyer, carol@example.org']) {
    expect(Object.keys(mistakes(questions, { ...whole, to }))).toEqual(['to']);
  }
});

test('a time without its day is a mistake', () => {
  const questions = questionsOf(named('event'));
  expect(mistakes(questions, { title: 'Lunch', start: 'T10:00' })).toEqual({ start: 'Give a day.' });
  expect(mistakes(questions, { title: 'Lunch', start: '2026-11-27' })).toEqual({});
});

test('what was filled in before comes back', () => {
  const values = startingValues(named('mail'), { to: ['a@b.example', 'c@d.example'], subject: 'Friday', account: id('b') });
  expect(values).toMatchObject({ to: 'a@b.example, c@d.example', subject: 'Friday', text: '', account: id('b') });
});

test('mails are rows with sender, subject, date and passage', () => {
  const found = rowsOf(mails);
  expect(found?.note).toBe(mails.note);
  expect(found?.byDay).toBe(false);
  expect(found?.rows[0]).toMatchObject({
    title: 'The lease for Linden Street 12',
    who: 'Carol Meyer <carol@example.org>',
    start: mails.messages[0]?.date,
    where: 'INBOX',
    isNew: true
  });
});

test('dates in their order are read day by day, others are not', () => {
  expect(rowsOf(events)).toMatchObject({ byDay: true, rows: [{ where: 'Family' }, { where: 'Carol’s office · Family' }, {}] });
  expect(rowsOf({ events: [...events.events].reverse() })?.byDay).toBe(false);
});

test('an empty list is an answer, and other shapes are left as they are', () => {
  expect(rowsOf({ messages: [], note: '' })).toEqual({ rows: [], note: '', byDay: false });
  for (const content of [null, 'text', 7, { sky: 'grey' }, [1, 2], { a: [], b: [] }, { slots: [{ minutes: 5 }] }, [{ title: { text: 7 } }]]) {
    expect(rowsOf(content)).toBeNull();
  }
});

test('times are said in few words', () => {
  const year = new Date().getFullYear();
  expect(span('2019-03-12T10:00:00', '2019-03-12T11:30:00')).toBe('12 Mar 2019, 10:00 – 11:30');
  expect(span('2019-03-12', '2019-03-14')).toBe('12 Mar 2019 – 14 Mar 2019');
  expect(span('2019-03-12', '2019-03-12', 'All day')).toBe('All day');
  expect(span('2019-03-12T10:00:00', '2019-03-12T11:30:00', 'All day')).toBe('10:00 – 11:30');
  expect(span('2019-03-12T22:00:00', '2019-03-13T01:00:00')).toBe('12 Mar 2019, 22:00 – 13 Mar 2019, 01:00');
  expect(span(`${year}-07-01`, '')).toMatch(/^\w{3} 1 Jul$|^\w{3}, 1 Jul$/);
  expect(span('soon', '')).toBe('soon');
});
