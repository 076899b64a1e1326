import { describe, expect, it } from 'vitest';
import { byDay, micro, money, percent, units, whole } from '../../src/lib/usage/sums';

const row = (day: string, more = {}) => ({
  day, model: 'm', currency: 'EUR', calls: 1, estimated: 0, input_tokens: 10, cached_tokens: 0, output_tokens: 5, micro: 7, ...more
});

describe('amounts', () => {
  it.each([
    ['2.50', 2_500_000],
    ['2,5', 2_500_000],
    [' 0.000001 ', 1],
    ['', null],
    ['-1', Number.NaN],
    ['1e3', Number.NaN],
    ['0.0000001', Number.NaN]
  ])('%s is %s millionths', (typed, value) => expect(micro(typed)).toBe(value));

  it.each([
    ['5,000,000', 5_000_000],
    ['5 000', 5_000],
    ['', null],
    ['many', Number.NaN],
    ['5.000.000', 5_000_000],
    ['1.5', Number.NaN]
  ])('%s is the count %s', (typed, value) => expect(whole(typed)).toBe(value));

  it('shows what is less than a hundredth', () => {
    expect(money(4_200, 'EUR')).toBe('€0.0042');
    expect(money(2_000_000, 'EUR')).toBe('€2.00');
    expect(money(0, 'EUR')).toBe('€0.00');
    expect(money(0, 'XXX')).toBe('0');
    expect(units(2_500_000)).toBe('2.5');
  });

  it('says how much of a limit is gone', () => {
    expect(percent(4, 5)).toBe(80);
    expect(percent(0, 0)).toBe(100);
    expect(percent(1, null)).toBe(null);
  });
});

describe('days', () => {
  it('has one for each, the quiet ones included, and no money of another currency', () => {
    const days = byDay([row('2026-11-28'), row('2026-11-28', { currency: 'USD' }), row('2026-11-26'), row('2026-10-01')], '2026-11-28', 3, 'EUR');
    expect(days).toEqual([
      { day: '2026-11-26', tokens: 15, micro: 7 },
      { day: '2026-11-27', tokens: 0, micro: 0 },
      { day: '2026-11-28', tokens: 30, micro: 7 }
    ]);
  });
});
