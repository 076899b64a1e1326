import type { UsageRow } from '$lib/api/types';
import { here } from '$lib/language';
import { count } from '$lib/times';

const MICRO = 1_000_000;

/** Money in millionths of its currency, in words; what is less than a hundredth is shown as finely as it takes. */
export function money(micro: number, currency: string): string {
  if (currency === 'XXX') return count(0);
  const amount = micro / MICRO;
  const fine = amount > 0 && amount < 0.01 ? { maximumSignificantDigits: 2 } : {};
  return new Intl.NumberFormat(here(), { style: 'currency', currency, ...fine }).format(amount);
}

/** "1.2M", "34k": a count where there is little room. */
export const short = (value: number): string =>
  new Intl.NumberFormat(here(), { notation: 'compact', maximumFractionDigits: 1 }).format(value);

/** How much of a limit is gone, in whole percent; null where there is none. */
export function percent(spent: number, limit: number | null): number | null {
  if (limit === null) return null;
  return limit === 0 ? 100 : Math.min(Math.floor((spent * 100) / limit), 999);
}

export interface Day {
  day: string;
  tokens: number;
  micro: number;
}

/** One entry for each of the last `length` days up to `today`, oldest first, also for those on which nothing was spent. */
export function byDay(rows: UsageRow[], today: string, length: number, currency: string): Day[] {
  const last = Date.parse(`${today}T00:00:00Z`);
  const days = Array.from({ length }, (_, back) => ({
    day: new Date(last - (length - 1 - back) * 86_400_000).toISOString().slice(0, 10),
    tokens: 0,
    micro: 0
  }));
  const found = new Map(days.map((each) => [each.day, each]));
  for (const row of rows) {
    const day = found.get(row.day);
    if (!day) continue;
    day.tokens += row.input_tokens + row.output_tokens;
    if (row.currency === currency) day.micro += row.micro;
  }
  return days;
}

/** What somebody typed as an amount, in millionths; null for nothing, NaN for no amount. */
export function micro(typed: string): number | null {
  const text = typed.trim().replace(',', '.');
  if (!text) return null;
  if (!/^\d{1,9}(\.\d{1,6})?$/.test(text)) return Number.NaN;
  return Math.round(Number(text) * MICRO);
}

/** What somebody typed as a count; null for nothing, NaN for no count. */
export function whole(typed: string): number | null {
  const plain = typed.trim();
  if (!plain) return null;
  const text = /^\d{1,3}([\s,.'’]\d{3})+$/.test(plain) ? plain.replace(/\D/g, '') : plain;
  return /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
}

/** An amount as it is typed. */
export const units = (value: number | null | undefined): string =>
  value === null || value === undefined ? '' : (value / MICRO).toLocaleString(here(), { useGrouping: false, maximumFractionDigits: 6 });
