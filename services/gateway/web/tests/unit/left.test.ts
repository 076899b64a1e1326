import { expect, test } from 'vitest';
import { bars, byDay, byPlace, dayBefore, fits, place, size, whoseOf } from '$lib/left/left';
import type { LeftDay } from '$lib/api/types';

const row: LeftDay = {
  day: '2030-05-02', host: 'imap.example.org', port: 993, reach: 'public', kind: 'call', connector: 'mail', account: 'a', model: null,
  bytes_out: 2_100, bytes_in: 48_000, records: 3
};

test('sizes are short and never of four digits', () => {
  expect([0, 1, 999, 1_000, 2_100, 9_949, 9_950, 48_400, 999_499, 999_500, 1_234_567_890].map(size)).toEqual([
    '0 B', '1 B', '999 B', '1.0 kB', '2.1 kB', '9.9 kB', '10 kB', '48 kB', '999 kB', '1.0 MB', '1.2 GB'
  ]);
});

test('a place without a port has none', () => {
  expect([place(row), place({ host: 'other hosts', port: 0 })]).toEqual(['imap.example.org:993', 'other hosts']);
});

test('every day of the time has a bar, over the change of the clocks too', () => {
  const found = bars({ since: '2030-03-30', until: '2030-04-01', days: [{ ...row, day: '2030-03-31' }] });
  expect(found.map(({ day, out }) => [day, out])).toEqual([['2030-03-30', 0], ['2030-03-31', 2_100], ['2030-04-01', 0]]);
  expect(found[1]?.sent).toEqual({ machine: 0, network: 0, public: 2_100 });
});

test('one place on one day is one sum, the newest day and the largest first', () => {
  const days = byDay([row, { ...row, kind: 'background', bytes_out: 900 }, { ...row, host: 'b.example', bytes_out: 9_000 }, { ...row, day: '2030-05-03' }]);
  expect(days.map(({ day, places }) => [day, places.map((each) => [each.host, each.out])])).toEqual([
    ['2030-05-03', [['imap.example.org', 2_100]]],
    ['2030-05-02', [['b.example', 9_000], ['imap.example.org', 3_000]]]
  ]);
});

test('a filter takes what lies so far and belongs to that', () => {
  const model = { ...row, connector: null, account: null, model: 'm' };
  expect([whoseOf(row), whoseOf({ ...row, account: null }), whoseOf(model)]).toEqual(['account:a', 'connector:mail', 'model:m']);
  expect([fits(row, { reach: '', whose: '' }), fits(row, { reach: 'machine', whose: '' }), fits(row, { reach: 'public', whose: 'account:a' })]).toEqual([true, false, true]);
});

test('sources stand under their place', () => {
  const source = { host: 'm', port: 443, reach: 'public' as const, kind: 'owner', connector: null, account: null, bytes: 4 };
  expect(byPlace([source, { ...source, kind: 'rules' }, { ...source, port: 80 }]).map((each) => [each.place, each.sources.length])).toEqual([['m:443', 2], ['m:80', 1]]);
});

test('a day before is one of the person’s own calendar', () => {
  expect(dayBefore(1, new Date(2030, 2, 1, 0, 5))).toBe('2030-02-28');
  expect(dayBefore(0, new Date(2030, 11, 31, 23, 59))).toBe('2030-12-31');
});
