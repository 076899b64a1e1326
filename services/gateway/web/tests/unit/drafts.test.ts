import { beforeEach, expect, test } from 'vitest';
import { Drafts, forgetDrafts } from '$lib/chat/drafts';
import { Queue, forgetQueues, keepQueues, mayGo } from '$lib/chat/queue.svelte';

beforeEach(() => {
  forgetDrafts();
  forgetQueues();
  localStorage.clear();
  sessionStorage.clear();
});

test('a draft is kept per conversation, and an empty one is not', () => {
  const drafts = new Drafts('ada');
  drafts.write('c', 'A long thought');
  drafts.write('d', 'x');
  drafts.write('d', '');
  expect(new Drafts('ada').read('c')).toBe('A long thought');
  expect(localStorage).toHaveLength(1);
});

test('whoever signs in next finds no draft of another person', () => {
  new Drafts('ada').write('', 'Not for Bob');
  expect(new Drafts('bob').read('')).toBe('');
  expect(localStorage).toHaveLength(0);
  expect(new Drafts('ada').read('')).toBe('');
});

test('drafts go with their conversation, and all of them at the sign-out, and nothing else does', () => {
  localStorage.setItem('theme', 'dark');
  const drafts = new Drafts('ada');
  drafts.write('c', 'one');
  drafts.write('d', 'two');
  forgetDrafts('c');
  expect([drafts.read('c'), drafts.read('d')]).toEqual(['', 'two']);
  forgetDrafts();
  expect(drafts.read('d')).toBe('');
  expect(Object.keys(localStorage)).toEqual(['theme']);
});

test('a very long draft lives as long as its window and is not stored', () => {
  const drafts = new Drafts('ada');
  drafts.write('c', 'x'.repeat(200_000));
  expect(drafts.read('c')).toHaveLength(200_000);
  expect(localStorage).toHaveLength(0);
});

const texts = (queue: Queue): string[] => queue.items.map((each) => each.text);

test('what is queued goes one after the other, can be taken back, and comes back where it was refused', () => {
  const queue = new Queue('ada', 'c');
  for (const text of ['one', 'two', 'three']) queue.add(text);
  expect(queue.take(2)).toBe('two');
  expect(texts(queue)).toEqual(['one', 'three']);
  const first = queue.items[0]!;
  queue.take(first.id);
  queue.putBack(first);
  expect([texts(queue), queue.isHeld]).toEqual([['one', 'three'], true]);
  for (const { id } of queue.items) queue.take(id);
  expect(queue.isHeld).toBe(false);
});

test('what is queued outlives a change of page and a reload, and is stored for a reload only, once', () => {
  new Queue('ada', 'c').add('later');
  expect(sessionStorage).toHaveLength(0);
  expect(texts(new Queue('ada', 'c'))).toEqual(['later']);
  keepQueues();
  const kept = { ...sessionStorage };
  forgetQueues();
  Object.assign(sessionStorage, kept);
  expect(texts(new Queue('bob', 'c'))).toEqual([]);
  expect(texts(new Queue('ada', 'c'))).toEqual(['later']);
  expect(sessionStorage).toHaveLength(0);
});

test('nothing is sent by itself while something runs or waits, or after an answer that broke off or was stopped', () => {
  const fine = { error: null, stopped: false };
  expect(mayGo('idle', fine, false)).toBe(true);
  expect(mayGo('running', fine, false)).toBe(false);
  expect(mayGo('waiting', fine, false)).toBe(false);
  expect(mayGo('idle', { error: { code: 'internal' }, stopped: false }, false)).toBe(false);
  expect(mayGo('idle', { error: null, stopped: true }, false)).toBe(false);
  expect(mayGo('idle', fine, true)).toBe(false);
});
