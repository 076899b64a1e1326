import { here } from '$lib/language';
import { words } from '$lib/words';

type Options = Intl.DateTimeFormatOptions;

const EXACT: Options = { dateStyle: 'full', timeStyle: 'medium' };
const CLOCK: Options = { hour: '2-digit', minute: '2-digit' };
const DAY: Options = { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' };
const WEEKDAY: Options = { weekday: 'short', day: 'numeric', month: 'short' };
const YEAR: Options = { day: 'numeric', month: 'short', year: 'numeric' };
const SHORT: Options = { day: 'numeric', month: 'short', ...CLOCK };

const formats = new Map<Options, Intl.DateTimeFormat>();
let written = '';

/** A date as the language of the page writes it. To make a format is slow, so each is made once. */
function format(options: Options, date: Date): string {
  if (written !== here()) formats.clear();
  written = here();
  const known = formats.get(options) ?? new Intl.DateTimeFormat(written, options);
  formats.set(options, known);
  return known.format(date);
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60]
];

/** "5 minutes ago", "in 3 hours"; under a minute "just now". */
export function ago(time: string, now: number): string {
  const seconds = (Date.parse(time) - now) / 1000;
  const step = STEPS.find(([, size]) => Math.abs(seconds) >= size);
  if (!step) return words.justNow;
  return new Intl.RelativeTimeFormat(here(), { numeric: 'auto' }).format(Math.round(seconds / step[1]), step[0]);
}

/** The whole date and time, for a tooltip. */
export const exact = (time: string): string => format(EXACT, new Date(time));

/** The date with its year. */
export const date = (time: string): string => format(YEAR, new Date(time));

/** Hours and minutes. */
export const clock = (time: string): string => format(CLOCK, new Date(time));

/** Hours and minutes today, else with the day. */
export function until(time: string, now: number): string {
  const isToday = new Date(time).toDateString() === new Date(now).toDateString();
  return isToday ? clock(time) : format(SHORT, new Date(time));
}

/** Day and time in short, whenever it is: "Mon, 4 May, 07:00". */
export const moment = (time: string): string => `${format(WEEKDAY, new Date(time))}, ${clock(time)}`;

/** When something is, from its own words: days ("2026-11-24") as days, times without a zone as they stand. */
export function span(start: string, end: string, whole = ''): string {
  const [from, to] = [new Date(start), new Date(end || start)];
  if (Number.isNaN(from.getTime())) return start;
  const isSameDay = to.toDateString() === from.toDateString() || !end || Number.isNaN(to.getTime());
  if (start.length <= 10) {
    const [first, last] = [new Date(`${start}T00:00`), new Date(`${end || start}T00:00`)];
    if (first.getTime() === last.getTime()) return whole || shortDay(first);
    return `${shortDay(first)} – ${shortDay(last)}`;
  }
  const opens = whole ? format(CLOCK, from) : `${shortDay(from)}, ${format(CLOCK, from)}`;
  if (!end || from.getTime() === to.getTime()) return opens;
  return `${opens} – ${isSameDay ? format(CLOCK, to) : `${shortDay(to)}, ${format(CLOCK, to)}`}`;
}

/** The day of the week and of the month, with the year where it is not this one. */
function shortDay(date: Date): string {
  const isThisYear = date.getFullYear() === new Date().getFullYear();
  return format(isThisYear ? WEEKDAY : YEAR, date);
}

/** The calendar day, as a heading: today and yesterday by name. */
export function day(time: string, now: number, names: { today: string; yesterday: string }): string {
  const date = new Date(time);
  const days = Math.round((startOf(new Date(now)) - startOf(date)) / 86_400_000);
  if (days === 0) return names.today;
  return days === 1 ? names.yesterday : format(DAY, date);
}

const startOf = (date: Date): number => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();

/** A calendar day ("2026-11-24") in few words. */
export const weekday = (day: string): string => (day ? shortDay(new Date(`${day}T12:00`)) : '');

/** A count with separators. */
export const count = (value: number): string => value.toLocaleString(here());
