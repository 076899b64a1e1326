import { expect, test } from 'vitest';
import { outside } from '$lib/accounts/hook';
import { againAt, endingOf, remedyOf, REASONS } from '$lib/accounts/remedy';
import { cloud, cloudAccount } from '../mock/data.mjs';

const [connector, account] = [cloud as never, cloudAccount as never];
const days = (count: number) => new Date(count * 86_400_000).toISOString();
const ending = (begins: number, ends: number, now: number) =>
  endingOf({ ...cloudAccount, authorized_at: days(begins), consent_ends_at: days(ends) } as never, connector, now * 86_400_000);

test('each reason leads somewhere but a wrong clock, which no page sets; an unknown one is none', () => {
  expect(remedyOf('clock_wrong', null, connector, '/again')).toEqual({ reason: 'clock_wrong', there: null, here: null });
  for (const reason of REASONS.filter((each) => each !== 'clock_wrong')) {
    const remedy = remedyOf(reason, null, connector, '/again');
    expect(remedy?.there ?? remedy?.here, reason).toBeTruthy();
  }
  expect(remedyOf('resync', null, connector, '/again')).toBeNull();
  expect(remedyOf('constructor', null, connector, '/again')).toBeNull();
});

test('the page that the provider named goes before the one that is known', () => {
  expect(remedyOf('api_disabled', 'https://console.example/x', connector, '')?.there).toBe('https://console.example/x');
});

test('what failed is ticked where one connects again', () => {
  const steps = [{ name: 'Make labels', ok: false, detail: '' }, { name: 'Send mail', ok: true, detail: '' }, { name: 'Sign in', ok: false, detail: '' }];
  expect(againAt(account, connector, steps)).toBe(`/accounts/new/cloudmail?again=${'d'.repeat(32)}&tick=labels`);
});

test('an end is counted in whole days, soon is said so, and a trial is known by its length', () => {
  expect(ending(100, 107, 102.5)).toEqual({ days: 4, isSoon: false, isTrial: true });
  expect(ending(100, 190, 188.5)).toEqual({ days: 1, isSoon: true, isTrial: false });
  expect(ending(100, 107, 108)).toBeNull();
});

test('a house is outside only under a name with a certificate that is not one of home', () => {
  const at = (address: string) => outside(new URL(address));
  expect(at('https://house.example.org/accounts')).toBe('https://house.example.org');
  for (const home of ['http://house.example.org', 'https://localhost', 'https://192.168.1.20', 'https://[fd00::1]', 'https://box.lan', 'https://house.local', 'https://box']) {
    expect(at(home), home).toBeNull();
  }
});
