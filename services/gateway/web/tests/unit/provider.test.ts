import { expect, test } from 'vitest';
import { apisOf, underOtherName } from '$lib/signin/provider';
import { cloud } from '../mock/data.mjs';

test('who comes back under the other name of the machine is passed on, with all that came along', () => {
  const there = underOtherName(new URL('http://localhost:8080/oauth/callback?code=fake&state=right'));
  expect(there).toBe('http://127.0.0.1:8080/oauth/callback?code=fake&state=right');
});

test('nobody is passed on twice, from another page, or away from a name with a certificate', () => {
  for (const page of ['http://127.0.0.1:8080/oauth/callback?code=x', 'http://localhost:8080/accounts?code=x', 'https://localhost/oauth/callback?code=x']) {
    expect(underOtherName(new URL(page)), page).toBeNull();
  }
});

test('each interface that is to be switched on is named once', () => {
  expect(apisOf(cloud as never).map((each) => each.api)).toEqual(['Mail API']);
});
