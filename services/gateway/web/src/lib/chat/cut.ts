/** The most characters of an answer that are shown with their layout: what is longer would hold the page up. */
export const MOST = 40_000;
/** Characters of one piece of the rest, which is shown as it was written. */
export const PIECE = 8_000;

/** Where to cut `text` at or before `end`: after a line where one ends near, and never inside a character. */
export function cutAt(text: string, end: number): number {
  if (text.length <= end) return text.length;
  const line = text.lastIndexOf('\n', end - 1) + 1;
  if (line > 0 && line > end - PIECE / 4) return line;
  const code = text.charCodeAt(end - 1);
  return code >= 0xd800 && code <= 0xdbff ? end - 1 : end;
}

/** The text as pieces of at most `PIECE` characters. */
export function pieces(text: string): string[] {
  const found: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = cutAt(text, at + PIECE);
    found.push(text.slice(at, end));
    at = end;
  }
  return found;
}
