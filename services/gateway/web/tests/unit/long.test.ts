import { expect, test } from 'vitest';
import { MOST, PIECE, cutAt, pieces } from '$lib/chat/cut';
import { markdown } from '$lib/chat/markdown';
import { placesOf } from '$lib/chat/places';
import { Sentences } from '$lib/chat/sentences';
import { MessageItem } from '$lib/chat/transcript.svelte';
import { unturned } from '$lib/chat/turned';
import { hostile } from '../mock/big.mjs';

const NESTED = { quotes: '> '.repeat(20_000), lists: '1. '.repeat(20_000) };

for (const [name, text] of Object.entries(NESTED)) {
  test(`what is nested too deeply stays a text: ${name}`, () => {
    expect(new DOMParser().parseFromString(markdown(text), 'text/html').body.textContent).toContain(text.slice(0, 2));
  });
}

test('a code fence that is never closed is code to its end', () => {
  const page = new DOMParser().parseFromString(markdown((hostile.fence ?? '').slice(0, 4_000)), 'text/html');
  expect(page.querySelectorAll('pre')).toHaveLength(1);
  expect(page.querySelectorAll('p')).toHaveLength(0);
});

test('a text is cut after a line where one ends near, and never inside a character', () => {
  expect(cutAt('short', 100)).toBe(5);
  expect(cutAt('one\ntwo three', 8)).toBe(4);
  expect(cutAt('ab😀cd', 3)).toBe(2);
  expect(cutAt('a'.repeat(MOST * 2), MOST)).toBe(MOST);
});

test('the pieces of a text are all of it, and none is longer than a piece', () => {
  const text = `${hostile.paragraph}\n${hostile.unbroken}`;
  const found = pieces(text);
  expect(found.join('')).toBe(text);
  expect(Math.max(...found.map((piece) => piece.length))).toBeLessThanOrEqual(PIECE);
});

test('what turns the direction of a text is shown as what it is, and what is written from the right is not', () => {
  expect(unturned('invoice\u202Egpj.exe')).toBe('invoice⟨U+202E⟩gpj.exe');
  expect(unturned('שלום \u2066x\u2069')).toBe('שלום ⟨U+2066⟩x⟨U+2069⟩');
  expect(unturned('مرحبا')).toBe('مرحبا');
});

test('a number at the beginning of a line is no end of a sentence', () => {
  const sentences = new Sentences();
  expect(sentences.take('First.\n12. Second thing', false)).toBe('First.');
  expect(sentences.take('First.\n12. Second thing. And', false)).toBe('12. Second thing.');
});

/** A message as the chat has it. */
function message(id: string, role: 'user' | 'assistant', turn: string, more: Partial<MessageItem> = {}): MessageItem {
  return Object.assign(new MessageItem(id, role, { turn }), more);
}

test('what an answer took is summed over its turn, and a sum with an unknown price has none', () => {
  const usage = { model: 'm', input: 10, cached: 1, output: 5, micro: 7, currency: 'EUR', estimated: false };
  const places = placesOf([
    message('1', 'user', 't', { text: 'Ask' }),
    message('2', 'assistant', 't', { usage }),
    message('3', 'assistant', 't', { usage: { ...usage, micro: null, estimated: true } }),
    message('4', 'user', 'u', { text: 'x'.repeat(300) }),
    message('5', 'assistant', 'u', { usage })
  ]);
  expect(places[2]?.spent).toEqual({ ...usage, input: 20, cached: 2, output: 10, micro: null, estimated: true });
  expect(places[4]?.spent).toBe(usage);
  expect(places.map((place) => place.endsTurn)).toEqual([false, false, true, false, false]);
  expect(places[4]?.asked).toHaveLength(242);
});
