import type { Words } from '.';

/** Languages that nobody speaks, by the names that CLDR gives them: accented and longer, and from right to left. */
export const PSEUDO = { accented: 'en-XA', mirrored: 'ar-XB' } as const;

const PLAIN = 'aceginosuyzACEGINOSUYZ';
const ACCENTED = 'âçéĝîñøšûýžÂÇÉĜÎÑØŠÛÝŽ';
const [OVERRIDE, END] = ['\u202e', '\u202c'];

/** English, made to look foreign: what is not marked so stands in no file of words, what is cut off had no room. */
export function pseudo(tag: string, english: Words): Words {
  return strange(english, tag === PSEUDO.mirrored ? mirrored : accented) as Words;
}

/** Two fifths longer, as German or Finnish may be. */
function accented(text: string): string {
  const strangeText = [...text].map((each) => ACCENTED[PLAIN.indexOf(each)] ?? each).join('');
  return `[${strangeText}${' ~'.repeat(Math.ceil(text.length / 5))}]`;
}

const mirrored = (text: string): string => `${OVERRIDE}${text}${END}`;

function strange(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return value && change(value);
  if (typeof value === 'function') return (...facts: unknown[]) => strange(value(...facts), change);
  if (Array.isArray(value)) return value.map((each) => strange(each, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, name === 'value' ? each : strange(each, change)]));
}
