import { expect, test } from 'vitest';
import type { Receipt } from '$lib/api/types';
import { claimed, lookedThrough } from '$lib/chat/claims';
import { unfounded } from '$lib/chat/receipts.svelte';

const receipt = (effect: Receipt['effect'], state: Receipt['state'] = 'done'): Receipt =>
  ({ call_id: 'c', turn: 't', effect, state, verb: 'Do it', connector: 'mail', tool: 'x', at: '', index: 1 }) as Receipt;

test.each([
  ['I have sent the mail to Carol.', ['send']],
  ['I’ve just forwarded it, and I deleted the old one.', ['send', 'delete']],
  ['Done. Your reply has been sent.', ['send']],
  ['I already moved it to the archive.', ['change']],
  ['I put it in your calendar.', ['change']],
  ['Ich habe die Mail an Carol gesendet.', ['send']],
  ['Ich habe sie gelöscht und den Termin eingetragen.', ['delete', 'change']],
  ['Die Nachricht wurde gerade verschickt.', ['send']],
  ['**I sent it** as you asked.', ['send']]
])('%s', (text, deeds) => {
  expect(claimed(text)).toEqual(deeds);
});

test.each([
  'Carol wrote on Monday. She sent the contract along.',
  'I have not sent anything yet.',
  'I will send it as soon as you say yes.',
  'Shall I send it?',
  'Carol writes: “I have sent the contract to you.”',
  '> I have deleted the old file.\n\nThat is what Ben says.',
  'Ich habe die Mail noch nicht gesendet.',
  'Ich habe keine Mail gesendet.',
  'Ich habe drei Mails gefunden, Carol hat eine gesendet.',
  'The meeting has been moved to Friday, and the file was deleted.',
  'The invoice that was sent on Tuesday is due on Friday.'
])('claims nothing: %s', (text) => {
  expect(claimed(text)).toEqual([]);
});

test('a claim holds where the ledger bears it out', () => {
  const text = 'I have sent the mail.';
  expect(unfounded(text, [])).toBe('send');
  expect(unfounded(text, [receipt('write')])).toBe('send');
  expect(unfounded(text, [receipt('send', 'failed')])).toBe('send');
  expect(unfounded(text, [receipt('send', 'waiting')])).toBe('send');
  expect(unfounded(text, [receipt('send')])).toBeNull();
  expect(unfounded(text, [receipt('send', 'unknown')])).toBeNull();
  expect(unfounded('I have moved it.', [receipt('write')])).toBeNull();
  expect(unfounded('I found two mails.', [])).toBeNull();
});

test('a text that is still written is looked through sentence by sentence', () => {
  const said = (text: string): string => text.slice(0, lookedThrough(text));
  expect(said('I have sent')).toBe('');
  expect(said('I have sent it. And')).toBe('I have sent it. ');
  expect(said('**I have sent it.** And')).toBe('**I have sent it.** ');
  expect(said('I have sent it\n\nAnd')).toBe('I have sent it\n\n');
  expect(said('word '.repeat(100))).toHaveLength(400);
  expect(said(`${'Word. '.repeat(700)}I have sent it. And`)).toHaveLength(4_000);
});
