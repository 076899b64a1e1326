import type { Left, LeftDay, LeftSource, Reach } from '$lib/api/types';
import { here } from '$lib/language';

const UNITS = ['B', 'kB', 'MB', 'GB'];

/** Bytes in the unit that fits, of a thousand each: "2.1 kB". */
export function size(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 999.5 && unit < UNITS.length - 1) [value, unit] = [value / 1000, unit + 1];
  const digits = unit && value < 9.95 ? 1 : 0;
  const written = value.toLocaleString(here(), { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${written} ${UNITS[unit]}`;
}

/** A place by its name and, where it has one, its port. */
export const place = ({ host, port }: { host: string; port: number }): string => (port ? `${host}:${port}` : host);

/** What is wanted of the sums; an empty text stands for everything. `whose` is "account:…", "connector:…" or "model:…". */
export interface LeftFilter {
  reach: '' | Reach;
  whose: string;
}

/** What a row belongs to, as the filter names it. */
export const whoseOf = ({ model, account, connector }: LeftDay): string =>
  model ? `model:${model}` : account ? `account:${account}` : connector ? `connector:${connector}` : '';

export const fits = (row: LeftDay, { reach, whose }: LeftFilter): boolean =>
  (!reach || row.reach === reach) && (!whose || whoseOf(row) === whose);

/** One day of the plot: bytes that were sent, by how far they went. */
export interface Bar {
  day: string;
  sent: Record<Reach, number>;
  out: number;
  in: number;
}

/** Every day of a report, those without any bytes as well, oldest first. */
export function bars({ since, until, days }: Pick<Left, 'since' | 'until' | 'days'>): Bar[] {
  const found = new Map<string, Bar>();
  for (let day = new Date(`${since}T12:00Z`); isoDay(day) <= until; day.setUTCDate(day.getUTCDate() + 1)) {
    found.set(isoDay(day), { day: isoDay(day), sent: { machine: 0, network: 0, public: 0 }, out: 0, in: 0 });
  }
  for (const row of days) {
    const bar = found.get(row.day);
    if (!bar) continue;
    bar.sent[row.reach] += row.bytes_out;
    bar.out += row.bytes_out;
    bar.in += row.bytes_in;
  }
  return [...found.values()];
}

/** The sums of one place on one day, whatever made them. */
export interface PlaceSum {
  host: string;
  port: number;
  reach: Reach;
  out: number;
  in: number;
  rows: LeftDay[];
}

/** Days with their places: the newest day first, in it what was sent most. */
export function byDay(days: readonly LeftDay[]): { day: string; places: PlaceSum[] }[] {
  const found = new Map<string, Map<string, PlaceSum>>();
  for (const row of days) {
    const places = found.get(row.day) ?? new Map<string, PlaceSum>();
    const key = `${place(row)} ${row.reach}`;
    const sum = places.get(key) ?? { host: row.host, port: row.port, reach: row.reach, out: 0, in: 0, rows: [] };
    places.set(key, { ...sum, out: sum.out + row.bytes_out, in: sum.in + row.bytes_in, rows: [...sum.rows, row] });
    found.set(row.day, places);
  }
  return [...found.entries()]
    .sort(([left], [right]) => right.localeCompare(left))
    .map(([day, places]) => ({ day, places: [...places.values()].sort((left, right) => right.out - left.out) }));
}

/** Whose text went to each place, the largest first. */
export function byPlace(sources: readonly LeftSource[]): { place: string; reach: Reach; sources: LeftSource[] }[] {
  const found = new Map<string, { place: string; reach: Reach; sources: LeftSource[] }>();
  for (const each of sources) {
    const one = found.get(place(each)) ?? { place: place(each), reach: each.reach, sources: [] };
    one.sources.push(each);
    found.set(place(each), one);
  }
  return [...found.values()];
}

const isoDay = (day: Date): string => day.toISOString().slice(0, 10);

/** The calendar day of the person's own clock, so many days before today. */
export function dayBefore(days: number, now = new Date()): string {
  const day = new Date(now.getFullYear(), now.getMonth(), now.getDate() - days);
  return `${day.getFullYear()}-${String(day.getMonth() + 1).padStart(2, '0')}-${String(day.getDate()).padStart(2, '0')}`;
}
