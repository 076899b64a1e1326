import type { KeepOffer, KeepRule, PartGoes } from '$lib/api/types';
import { words } from '$lib/words';

/** How a rule stands in a list of choices: "all", "days:30", "newest:1000" or "never". */
export type Choice = string;

const DAYS = [7, 30, 90, 365, 1825];
const NEWEST = [100, 1000, 10_000];

export const about = (each: { kind: string; account: string | null }): string => `${each.kind} ${each.account ?? ''}`;

/** A rule as a choice; none is "all". */
export function choiceOf(rule: KeepRule | undefined): Choice {
  if (!rule) return 'all';
  if (rule.newest) return `newest:${rule.newest}`;
  return rule.days ? `days:${rule.days}` : 'never';
}

/** The rules that the choices stand for, in the order of the offers. */
export function rulesOf(offers: readonly KeepOffer[], choices: Readonly<Record<string, Choice>>): KeepRule[] {
  return offers.flatMap((offer): KeepRule[] => {
    const [way, count] = (choices[about(offer)] ?? 'all').split(':');
    const named = { kind: offer.kind, account: offer.account };
    if (way === 'days') return [{ ...named, days: Number(count), newest: null }];
    if (way === 'newest') return [{ ...named, days: null, newest: Number(count) }];
    return way === 'never' ? [{ ...named, days: 0, newest: null }] : [];
  });
}

/** What can be chosen for an offer; a choice that was made elsewhere is among it. */
export function options(offer: KeepOffer, chosen: Choice): { value: Choice; label: string }[] {
  const found = [
    'all',
    ...(offer.ways.includes('days') ? DAYS.map((count) => `days:${count}`) : []),
    ...(offer.ways.includes('newest') ? NEWEST.map((count) => `newest:${count}`) : []),
    ...(offer.ways.includes('never') ? ['never'] : [])
  ];
  return [...new Set([...found, chosen])].map((value) => ({ value, label: inWords(value) }));
}

function inWords(choice: Choice): string {
  const [way, count] = choice.split(':');
  if (way === 'days') return words.data.keep.days(Number(count));
  if (way === 'newest') return words.data.keep.newest(Number(count));
  return way === 'never' ? words.data.keep.never : words.data.keep.all;
}

/** How much goes of each kind, over all rooms. */
export function summed(goes: readonly PartGoes[]): { kind: string; count: number }[] {
  const kinds = new Map<string, number>();
  for (const each of goes) kinds.set(each.kind, (kinds.get(each.kind) ?? 0) + each.count);
  return [...kinds].map(([kind, count]) => ({ kind, count }));
}

/** So many things of a kind, in words. */
export const counted = (kind: string, count: number): string =>
  words.data.parts[kind]?.(count) ?? `${count} ${kind.replaceAll('_', ' ')}`;

/** What a kind is called by itself. */
export const kindName = (kind: string): string => words.data.kinds[kind] ?? kind.replaceAll('_', ' ').replace(/^./, (first) => first.toUpperCase());
