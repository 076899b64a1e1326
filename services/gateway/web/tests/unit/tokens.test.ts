import { expect, test } from 'vitest';
import { LIVES, SCOPES, mistakes } from '$lib/tokens/draft';
import { words } from '$lib/words';

test('a token needs a name and something that it is for', () => {
  expect(Object.keys(mistakes({ name: ' ', scopes: [] }))).toEqual(['name', 'scopes']);
  expect(mistakes({ name: 'Terminal', scopes: ['chat'] })).toEqual({});
});

test('every scope has words, and every life is one that the server takes', () => {
  expect(SCOPES).toEqual(['chat', 'approve', 'accounts', 'audit']);
  for (const scope of SCOPES) expect(words.tokens.scope[scope].text).toMatch(/\.$/);
  for (const days of LIVES) expect(days >= 1 && days <= 365).toBe(true);
});
