/** Cuts a growing text into finished sentences, so that a screen reader hears those and not each token. */
export class Sentences {
  #read = 0;

  /** What was finished since the last call; with `ended` the rest, too. */
  take(text: string, ended: boolean): string {
    const end = ended ? text.length : lastEnd(text, this.#read);
    if (end <= this.#read) return '';
    const piece = text.slice(this.#read, end);
    this.#read = end;
    return spoken(piece);
  }
}

const ENDS = /[.!?…:](?=["”’)\]*_]*\s)|\n/g;

/** The position after the last sentence end in `text` at or after `from`; `from` where there is none. */
function lastEnd(text: string, from: number): number {
  let end = from;
  for (const match of text.slice(from).matchAll(ENDS)) {
    const after = from + match.index + match[0].length;
    const line = text.lastIndexOf('\n', after - 2) + 1;
    const isNumbered = after - line < 20 && /^\s*\d+\.$/.test(text.slice(line, after));
    if (!isNumbered) end = after;
  }
  return end;
}

/** Markdown as it is read aloud: without marks, links by their text, code named. */
export function spoken(markdown: string): string {
  return markdown
    .replace(/```[^\n]*\n?/g, ' ')
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/^\s{0,3}(#{1,6}|>|[-*+])\s+/gm, '')
    .replace(/[*_`~|]+/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}
