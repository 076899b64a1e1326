import { words } from '$lib/words';

/** Results as rows: any list of things that have a title or a subject, whatever else they have. */

/** One thing that was found. Texts are as somebody else may have written them. */
export interface Row {
  title: string;
  who: string;
  start: string;
  end: string;
  where: string;
  text: string;
  isNew: boolean;
  /** By what it is opened; empty where nothing opens it. */
  key: string;
}

export interface Rows {
  rows: Row[];
  /** What the service says about its answer, such as that more may come. */
  note: string;
  /** Whether the rows are dates in their order, to be read day by day. */
  byDay: boolean;
}

type Json = Record<string, unknown>;

const TITLE = ['subject', 'title', 'name', 'summary', 'text'];
const WHO = ['sender', 'from', 'people', 'author', 'emails', 'recipients'];
const START = ['start', 'date', 'time', 'when'];
const WHERE = ['place', 'location', 'calendar', 'folder'];
const TEXT = ['excerpt', 'snippet', 'notes', 'description'];

/** The rows of a result, with what stands under `key` of each; null where it has another shape. A title may be empty. */
export function rowsOf(content: unknown, key: string | null = null): Rows | null {
  const things = listIn(content);
  if (!things?.every((thing) => TITLE.some((name) => mayBeText(thing[name])) || (key !== null && key in thing))) return null;
  const rows = things.map((thing) => rowOf(thing, key)).map((row) => ({ ...row, title: row.title || row.text || words.commands.untitled }));
  const starts = rows.map((row) => row.start);
  const byDay = rows.length > 0 && things.every((thing) => 'start' in thing) && starts.every((start, at) => at === 0 || day(starts[at - 1] ?? '') <= day(start));
  return { rows, note: isJson(content) && typeof content.note === 'string' ? content.note : '', byDay };
}

/** The calendar day of a time, as it is written. */
export const day = (time: string): string => time.slice(0, 10);

/** The one list in a result. */
function listIn(content: unknown): Json[] | null {
  const lists = (Array.isArray(content) ? [content] : isJson(content) ? Object.values(content) : []).filter(Array.isArray);
  const [only, ...more] = lists as unknown[][];
  return only && !more.length && only.every(isJson) ? only : null;
}

/** One thing as a row, with what stands under `key` of it. */
export function rowOf(thing: Json, key: string | null): Row {
  const places = WHERE.map((name) => plain(thing[name])).filter(Boolean);
  const opener = key === null ? '' : thing[key];
  return {
    title: textAt(thing, TITLE),
    who: textAt(thing, WHO),
    start: textAt(thing, START),
    end: plain(thing.end),
    where: places.join(' · '),
    text: textAt(thing, TEXT),
    isNew: thing.unread === true,
    key: typeof opener === 'string' || typeof opener === 'number' ? String(opener) : ''
  };
}

const textAt = (thing: Json, names: string[]): string => names.map((name) => plain(thing[name])).find(Boolean) ?? '';

/** A text, also one that is marked as another's, or several of them. */
function plain(value: unknown): string {
  if (Array.isArray(value)) return value.map(plain).filter(Boolean).join(', ');
  const text = isJson(value) ? value.text : value;
  return typeof text === 'string' ? text.trim() : '';
}

const mayBeText = (value: unknown): boolean => value === null || typeof (isJson(value) ? value.text : value) === 'string';

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
