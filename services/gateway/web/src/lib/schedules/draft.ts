import type { Schedule, ScheduleProposal } from '$lib/api/types';
import { words } from '$lib/words';

/** How often, as the form offers it. */
export type Repeat = keyof typeof words.schedules.repeat;

/** What the form begins with: a schedule, a proposal, or nothing. */
export type From = Schedule | ScheduleProposal | null;

/** How long a schedule may live, in days. */
export const LIVES = [7, 30, 90, 180, 365] as const;

const RULES: Record<Exclude<Repeat, 'once' | 'other'>, string> = {
  daily: 'FREQ=DAILY',
  weekdays: 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR',
  weekly: 'FREQ=WEEKLY',
  monthly: 'FREQ=MONTHLY',
  hourly: 'FREQ=HOURLY'
};

/** The recurrence rule (RFC 5545) of a choice; null for once. */
export function ruleOf(repeat: Repeat, own: string): string | null {
  if (repeat === 'once') return null;
  return repeat === 'other' ? own.trim() : RULES[repeat];
}

/** The choice that a rule stands for. */
export function repeatOf(rule: string | null): Repeat {
  if (rule === null) return 'once';
  const known = Object.entries(RULES).find(([, each]) => each === rule);
  return known ? (known[0] as Repeat) : 'other';
}

/** Tomorrow at seven, as an input of date and time has it. */
export function tomorrow(now: Date): string {
  const day = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}T07:00`;
}

/** What is missing, by field. */
export function mistakes(given: { name: string; prompt: string; starts: string; rule: string | null }): Record<string, string> {
  const wrong: Record<string, string> = {};
  for (const field of ['name', 'prompt', 'starts'] as const) if (!given[field].trim()) wrong[field] = words.accounts.required;
  if (given.rule === '') wrong.rule = words.accounts.required;
  return wrong;
}
