import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Sentences, spoken } from '$lib/chat/sentences';
import { safePath } from '$lib/session.svelte';
import { tokenOf, usernameFrom } from '$lib/setup/token';
import { words } from '$lib/words';

test('a screen reader hears finished sentences and not tokens', () => {
  const sentences = new Sentences();
  expect(sentences.take('Carol wro', false)).toBe('');
  expect(sentences.take('Carol wrote twice. She', false)).toBe('Carol wrote twice.');
  expect(sentences.take('Carol wrote twice. She waits', false)).toBe('');
  expect(sentences.take('Carol wrote twice. She waits', true)).toBe('She waits');
});

test('marks are not read aloud', () => {
  expect(spoken('## The **lease**\n- [page](https://example.org)')).toBe('The lease page');
});

test('a login leads back into this site alone', () => {
  expect(safePath('/activity?x=1')).toBe('/activity?x=1');
  expect(safePath('//evil.example')).toBe('/');
  expect(safePath('/\\evil.example')).toBe('/');
  expect(safePath('https://evil.example')).toBe('/');
  expect(safePath('/login?next=/')).toBe('/');
  expect(safePath(null)).toBe('/');
});

test('the token is what stands behind # in the link', () => {
  const token = 'obviously-a-fake_token-0123456789';
  expect(tokenOf(`http://127.0.0.1:8080/setup#${token}\n`)).toBe(token);
  expect(tokenOf(token)).toBe(token);
  expect(tokenOf('http://127.0.0.1:8080/setup')).toBe('');
  expect(tokenOf('')).toBe('');
});

test('a user name is made of the first name', () => {
  expect(usernameFrom('  Zoë van Dijk')).toBe('zoe');
  expect(usernameFrom('')).toBe('');
});

test('all that the activity record can hold has a name', () => {
  const table = readFileSync('../../../docs/reference/audit.md', 'utf8');
  const actions = [...table.matchAll(/^\| `([a-z_.]+)` \|/gm)].map((row) => row[1]);
  expect(actions).toContain('account.erased');
  expect(Object.keys(words.activity.actions).sort()).toEqual(actions.sort());
});
