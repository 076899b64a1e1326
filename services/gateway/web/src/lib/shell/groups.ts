import type { Conversation } from '$lib/api/types';
import { words } from '$lib/words';

export interface Group {
  title: string;
  items: Conversation[];
}

const month = new Intl.DateTimeFormat('en-GB', { month: 'long', year: 'numeric' });

const midnight = (date: Date): number => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();

/** Pinned ones first, the others by the day of their last change, newest first. */
export function grouped(items: readonly Conversation[], now: number): Group[] {
  const groups = new Map<string, Conversation[]>();
  const into = (title: string, item: Conversation): void => void groups.set(title, [...(groups.get(title) ?? []), item]);
  for (const item of items) if (item.pinned) into(words.chats.pinned, item);
  const others = items.filter((item) => !item.pinned).sort((a, b) => Date.parse(b.updated_at) - Date.parse(a.updated_at));
  for (const item of others) into(dayOf(item.updated_at, now), item);
  return [...groups].map(([title, some]) => ({ title, items: some }));
}

function dayOf(time: string, now: number): string {
  const date = new Date(time);
  // Rounded: a day on which clocks are changed has 23 or 25 hours.
  const days = Math.round((midnight(new Date(now)) - midnight(date)) / 86_400_000);
  if (days <= 0) return words.chats.today;
  if (days === 1) return words.chats.yesterday;
  return days <= 7 ? words.chats.week : month.format(date);
}

/** The conversation a step away in the order in which they are shown; null where there is none. */
export function beside(items: readonly Conversation[], id: string | undefined, step: 1 | -1, now: number): string | null {
  const shown = grouped(items, now).flatMap((group) => group.items);
  const at = shown.findIndex((item) => item.id === id);
  if (at < 0) return (step === 1 ? shown[0] : shown.at(-1))?.id ?? null;
  return shown[at + step]?.id ?? null;
}
