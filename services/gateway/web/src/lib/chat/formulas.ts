import type { TokenizerAndRendererExtension, Tokens } from 'marked';
import { words } from '$lib/words';
import { LONGEST, mathml } from './mathml';

/** A formula as it was written, or its beginning, of which the end is still to come. */
interface Formula extends Tokens.Generic {
  type: 'formula' | 'formulaBlock';
  raw: string;
  tex: string;
  display: boolean;
  open: boolean;
}

const BLOCK = /^ {0,3}(?:\$\$(?!\$)((?:(?!\n[ \t]*\n)[^])+?)\$\$|\\\[((?:(?!\n[ \t]*\n)[^])+?)\\\])[ \t]*(?:\n|$)/;
const BLOCK_OPEN = /^ {0,3}(?:\$\$(?!\$)|\\\[)(?:(?!\n[ \t]*\n|\$\$|\\\])[^])*$/;
const INLINE = /^(?:\$\$(?!\$)((?:\\[^]|[^$\\])+?)\$\$|\\\[((?:(?!\\\])[^])+?)\\\]|\\\(((?:(?!\\\))[^])+?)\\\)|\$(?![\s$])((?:\\[^\n]|[^$\\\n])+)\$(?![\w$]))/;
const INLINE_OPEN = /^(?:\$\$(?!\$)(?:\\[^]|[^$\\])*|\\\((?:(?!\\\))[^])*)\$?$/;
const BLOCK_BEGINS = /^ {0,3}(?:\$\$|\\\[)/;
const INLINE_BEGINS = /^(?:\$|\\[([])/;
const OPENER = /(?<![\w$\\])\$(?=\S)|\\[([]/;
/** Longer than what is drawn is looked at no further. */
const SEEN = LONGEST + 40;

export { drawnOf } from './mathml';

/** What marked has to know of formulas. */
export const extensions: TokenizerAndRendererExtension[] = [
  {
    name: 'formulaBlock',
    level: 'block',
    start(text) {
      return isLeft(this.lexer.options) ? first(text, '\n$$', '\n\\[') : undefined;
    },
    tokenizer(text) {
      if (!BLOCK_BEGINS.test(text) || !taken(this.lexer.options)) return undefined;
      const seen = text.slice(0, SEEN);
      const [raw, dollars, brackets] = BLOCK.exec(seen) ?? [];
      if (raw) return { type: 'formulaBlock', raw, tex: (dollars ?? brackets ?? '').trim(), display: true, open: false };
      return grows(this.lexer.options) && seen === text && BLOCK_OPEN.test(text) ? { type: 'formulaBlock', raw: text, tex: '', display: true, open: true } : undefined;
    },
    renderer: (token) => shown(token as Formula)
  },
  {
    name: 'formula',
    level: 'inline',
    start(text) {
      return isLeft(this.lexer.options) ? OPENER.exec(text)?.index : undefined;
    },
    tokenizer(text) {
      if (!INLINE_BEGINS.test(text) || !taken(this.lexer.options)) return undefined;
      const seen = text.slice(0, SEEN);
      const [raw, dollars, brackets, parentheses, dollar] = INLINE.exec(seen) ?? [];
      if (raw && isFormula(dollar, brackets)) {
        const tex = (dollars ?? brackets ?? parentheses ?? dollar ?? '').trim();
        return { type: 'formula', raw, tex, display: dollars !== undefined || brackets !== undefined, open: false };
      }
      return grows(this.lexer.options) && seen === text && INLINE_OPEN.test(text) ? { type: 'formula', raw: text, tex: '', display: false, open: true } : undefined;
    },
    renderer: (token) => shown(token as Formula)
  }
];

/** Whether the text between single dollars, or brackets within a line, is meant as one: "$5 for the tea and 3$" is not. */
function isFormula(dollar: string | undefined, brackets: string | undefined): boolean {
  if (brackets !== undefined) return /[\\^_=+]/.test(brackets);
  if (dollar === undefined) return true;
  if (/\s$/.test(dollar) || /^\p{L}{4,}$/u.test(dollar)) return false;
  return /[\\^_]/.test(dollar) || !(/^[\d.,]/.test(dollar) && /\p{L}{2,}|\s\p{L}\s/u.test(dollar));
}

function shown({ type, raw, tex, display, open }: Formula): string {
  const drawn = open ? null : mathml(tex, display);
  if (drawn === null) {
    const text = escape(raw.trimEnd());
    return type === 'formulaBlock' ? `<p class="md-tex">${text}</p>` : `<span class="md-tex">${text}</span>`;
  }
  const reach = `tabindex="0" role="group" aria-label="${escape(words.chat.formula)}"`;
  if (type === 'formulaBlock') return `<div class="md-formula" ${reach}>${drawn}</div>`;
  return display || tex.length > WIDE ? `<span class="md-formula" ${reach}>${drawn}</span>` : drawn;
}

/** From so many characters on a formula within a line may not fit a small screen, and scrolls. */
const WIDE = 40;

/** What is known of the text beside its letters: whether it grows, and how many beginnings of formulas are still looked at. */
export interface Growing {
  grows: boolean;
  left: number;
}

const growing = (options: object): Growing | null => ('left' in options ? (options as Growing) : null);
const grows = (options: object): boolean => growing(options)?.grows ?? false;
const isLeft = (options: object): boolean => (growing(options)?.left ?? 0) > 0;

/** Counts one more beginning that is looked at; false where there were too many. */
function taken(options: object): boolean {
  const text = growing(options);
  if (!text || text.left <= 0) return false;
  text.left -= 1;
  return true;
}

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** Where the first of these begins, behind its line's end; undefined where there is none. */
function first(text: string, ...marks: string[]): number | undefined {
  const places = marks.map((mark) => text.indexOf(mark)).filter((place) => place >= 0);
  return places.length ? Math.min(...places) + 1 : undefined;
}
