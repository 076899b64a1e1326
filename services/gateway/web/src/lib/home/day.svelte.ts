import { api } from '$lib/api/client';
import type { LookSource } from '$lib/api/types';
import { type Answer, Asked, type Origin } from '$lib/looks/asked.svelte';

const FRESH = 60_000;

/** What today holds, out of what the house has read before: no provider is asked, and no model. */
export class Today {
  readonly agenda = new Asked('agenda');
  readonly waiting = new Asked('waiting');
  loaded = $state(false);
  hasCalendar = $state(false);
  hasMail = $state(false);
  #at = 0;

  /** Looks again, unless that was done a moment ago. */
  async refresh(now = Date.now()): Promise<void> {
    if (now - this.#at < FRESH) return;
    this.#at = now;
    try {
      const [agenda, waiting] = await Promise.all([api.lookSources('agenda'), api.lookSources('waiting')]);
      [this.hasCalendar, this.hasMail] = [agenda.length > 0, waiting.length > 0];
      const today = isoDay(new Date(now));
      this.loaded = true;
      await Promise.all([
        this.agenda.ask(agenda.filter(isLocal), { from: today, to: today }),
        this.waiting.ask(waiting.filter(isLocal), {})
      ]);
    } catch {
      // The rest of the page stands without; coming back asks again.
      [this.#at, this.loaded] = [0, true];
    }
  }

  /** Who was asked and did not answer. */
  get silent(): Answer[] {
    return [...this.agenda.silent, ...this.waiting.silent];
  }
}

let kept: { user: string; today: Today } | null = null;

/** A person's day, kept while the app is open: coming back within a minute looks nowhere again. Nobody gets another's. */
export function todayOf(user: string): Today {
  if (kept?.user !== user) kept = { user, today: new Today() };
  return kept.today;
}

const isLocal = (source: LookSource): boolean => source.local;

/** The day here, as "2026-11-29". */
export function isoDay(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** Whole days first, then by the clock. */
export const byTime = (rows: readonly Origin[]): Origin[] =>
  [...rows].sort((one, other) => moment(one.row.start) - moment(other.row.start) || one.row.title.localeCompare(other.row.title));

export const newestFirst = (rows: readonly Origin[]): Origin[] =>
  [...rows].sort((one, other) => moment(other.row.start) - moment(one.row.start));

const moment = (time: string): number => (time.length <= 10 ? 0 : Date.parse(time) || 0);

/** Whether something of today is over. */
export const isOver = ({ row }: Origin, now: number): boolean => (row.end || row.start).length > 10 && Date.parse(row.end || row.start) < now;
