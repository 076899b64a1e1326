/** One thing as its service tells it, in parts that can be read: whatever it is, all of it is text. */

export interface Part {
  /** By what it is known to its service; empty where it says nothing of that. */
  key: string;
  title: string;
  /** Labels and values, in the order of the answer. */
  facts: [string, string][];
  texts: string[];
}

export interface Reading {
  parts: Part[];
  note: string;
}

type Json = Record<string, unknown>;

const TITLE = ['subject', 'title', 'name'];
const TEXT = ['text', 'signature', 'quoted', 'body', 'content', 'notes', 'description', 'markdown'];
const LEFT_OUT = /(^|_)(ids?|uid|sha256|digest|etag|key|revision|cursor)$|^(note|folded|start|next|unread)$/;
const IN_PARTS = ['messages'];
const LONGEST = 200;

/** The parts of an answer: each of its messages, or the whole of it. */
export function readingOf(content: unknown): Reading {
  if (!isJson(content)) return { parts: [{ key: '', title: '', facts: [], texts: [plain(content)].filter(Boolean) }], note: '' };
  const name = IN_PARTS.find((each) => Array.isArray(content[each]));
  const things = name ? (content[name] as unknown[]).filter(isJson) : [content];
  return { parts: things.map(partOf), note: plain(content.note) };
}

function partOf(thing: Json): Part {
  const title = TITLE.find((name) => plain(thing[name])) ?? '';
  const long = TEXT.filter((name) => plain(thing[name]));
  const facts = Object.entries(thing)
    .filter(([name]) => name !== title && !long.includes(name) && !(LEFT_OUT.test(name) && !isTime(name, thing)))
    .flatMap(([name, value]) => (isLabelled(value) ? Object.entries(value) : [[name, value] as const]))
    .map(([name, value]): [string, string] => [label(name), shown(value)])
    .filter(([, value]) => value && value !== plain(thing[title]));
  return { key: plain(thing.id), title: plain(thing[title]), facts, texts: long.map((name) => plain(thing[name])) };
}

/** Several lists, each under its own label, such as all that is known of a contact. */
const isLabelled = (value: unknown): value is Json => isJson(value) && Object.keys(value).length > 0 && Object.values(value).every(Array.isArray);

/** An event starts; a text that goes on somewhere does, too, by a number. */
const isTime = (name: string, thing: Json): boolean => name === 'start' && typeof thing.start === 'string';

const label = (name: string): string => {
  const spaced = name.replaceAll('_', ' ');
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
};

/** A value in one line; empty for what says nothing. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return value.map(shown).filter(Boolean).join(', ');
  if (isJson(value) && typeof value.text !== 'string') {
    return Object.entries(value)
      .filter(([name]) => !LEFT_OUT.test(name))
      .map(([, each]) => shown(each))
      .filter(Boolean)
      .join(' ');
  }
  const text = value === true ? 'yes' : plain(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text;
}

/** A text, also one that is marked as another's. */
function plain(value: unknown): string {
  const text = isJson(value) ? value.text : value;
  if (typeof text === 'number') return String(text);
  return typeof text === 'string' ? text.trim() : '';
}

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
