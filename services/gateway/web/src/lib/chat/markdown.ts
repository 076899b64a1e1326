import DOMPurify from 'dompurify';
import { Marked, type Token, type Tokens } from 'marked';
import { BEGUN, type Cite, type Cited, MARK } from '$lib/sources/marks';
import { words } from '$lib/words';
import { addressOf, targetOf } from './links';

/** One top-level piece of a text, as HTML that is safe to insert. */
export interface Block {
  key: number;
  /** Where the browser knows trusted types, DOMPurify's word for it; else the text itself. */
  html: string | TrustedHTML;
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    html: ({ text }) => escape(text),
    heading({ tokens, depth }) {
      // One level down: the page's own title is the first.
      const level = Math.min(depth + 1, 6);
      return `<h${level} class="md-h${depth}">${this.parser.parseInline(tokens)}</h${level}>`;
    },
    image: ({ href, text }) => {
      const host = addressOf(href)?.host ?? href.slice(0, 40);
      return `<span class="md-image">${escape(words.chat.imageBlocked(text, host))}</span>`;
    },
    link({ href, tokens, text }) {
      const url = addressOf(href);
      const label = this.parser.parseInline(tokens);
      if (!url) return `${label} <span class="md-target">(${escape(href)})</span>`;
      const target = targetOf(url);
      const shown = text === href || text === target ? '' : ` <span class="md-target">(${escape(target)})</span>`;
      return `<a href="${escape(url.href)}" target="_blank" rel="noopener noreferrer nofollow">${label}</a>${shown}`;
    },
    code({ text, lang }) {
      const language = escape((lang ?? '').split(/\s/)[0] ?? '');
      return (
        `<div class="md-code"><div class="md-bar"><span>${language}</span>` +
        `<button type="button" data-copy="">${words.copy}</button></div>` +
        `<pre tabindex="0" role="region" aria-label="${words.chat.code}"><code>${escape(text)}</code></pre></div>`
      );
    },
    checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
    table(token: Tokens.Table) {
      const cells = (row: Tokens.TableCell[], tag: 'th' | 'td'): string =>
        row.map((cell) => `<${tag}${cell.align ? ` class="md-${cell.align}"` : ''}>${this.parser.parseInline(cell.tokens)}</${tag}>`).join('');
      const head = `<thead><tr>${cells(token.header, 'th')}</tr></thead>`;
      const rows = token.rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('');
      return (
        `<div class="md-table" tabindex="0" role="region" aria-label="${words.chat.table}">` +
        `<table>${head}<tbody>${rows}</tbody></table></div>`
      );
    }
  }
});

/** Whether a text may have formulas in it. */
export const hasFormulas = (text: string): boolean => /\$[^]*\$|\\[([]/.test(text);

/** So many formulas of one text are drawn: more would hold the page up. */
const FORMULAS = 300;
let formulas: Promise<void> | null = null;
/** Of what formulas are drawn: no address is among it, and no style. */
let drawnOf: { tags: readonly string[]; attributes: readonly string[] } = { tags: [], attributes: [] };

/** Has formulas drawn from now on. What draws them is large, and fetched for the first answer that may have some. */
export async function drawFormulas(): Promise<void> {
  formulas ??= import('./formulas').then((made) => {
    drawnOf = made.drawnOf;
    marked.use({ extensions: made.extensions });
  });
  try {
    await formulas;
  } catch (thrown) {
    formulas = null;
    throw thrown;
  }
}

/** A mark of a source; one of nothing that was found stays as it was written. */
interface SourceMark extends Tokens.Generic {
  type: 'source';
  key: string;
  cited: Cited | null;
}

marked.use({
  extensions: [
    {
      name: 'source',
      level: 'inline',
      start: (text) => text.indexOf('[['),
      tokenizer(text) {
        const [raw, key] = MARK.exec(text) ?? [];
        return raw && key ? { type: 'source', raw, key: key.trim(), cited: null } : undefined;
      },
      renderer(token) {
        const { raw, key, cited } = token as SourceMark;
        if (!cited) return escape(raw);
        const label = escape(words.sources.of(cited.number, cited.title));
        return `<button type="button" class="md-number" data-source="${escape(key)}" aria-label="${label}" title="${label}">${cited.number}</button>`;
      }
    }
  ]
});

const TAGS =
  'p br strong em del s code pre h1 h2 h3 h4 h5 h6 ul ol li blockquote hr table thead tbody tr th td a span div button'.split(' ');
const ATTRIBUTES = ['href', 'target', 'rel', 'class', 'start', 'tabindex', 'role', 'aria-label', 'type', 'title', 'data-copy', 'data-source'];

const clean = (html: string): string | TrustedHTML =>
  DOMPurify.sanitize(html, {
    ALLOWED_TAGS: [...TAGS, ...drawnOf.tags],
    ALLOWED_ATTR: [...ATTRIBUTES, ...drawnOf.attributes],
    ALLOW_DATA_ATTR: false,
    RETURN_TRUSTED_TYPE: true,
    // Only `href` holds an address: the pattern below would else drop these for not being one.
    ADD_URI_SAFE_ATTR: ['target', 'rel', 'tabindex', 'type', 'start', 'title', 'data-source', ...drawnOf.attributes],
    ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i
  });

/** A last line of marks alone may become a heading or a list with the next token: it waits for that. */
const UNDECIDED = /\n[ \t]*(?:[-=*_+|#>]{1,3}|`{1,2}|\d{1,3}\.?)[ \t]*$/;

/**
 * A growing text as blocks. Only the last one can still change while tokens come, so only that one is parsed again:
 * the work per frame does not grow with the answer.
 */
export class Blocks {
  #text = '';
  #stable = 0;
  #cite: Cite | null = null;
  #drawn = false;
  #blocks: Block[] = [];

  /** The blocks of `text`; `ended` says that it grows no more, `cite` what its marks of sources say, `drawn` whether formulas are drawn. */
  update(text: string, ended = true, cite: Cite | null = null, drawn = false): Block[] {
    const source = text.replace(/\r\n?/g, '\n');
    const shown = ended ? source : source.replace(UNDECIDED, '').replace(cite ? BEGUN : '', '');
    if (!shown.startsWith(this.#text) || cite !== this.#cite || drawn !== this.#drawn || (ended && hasReferences(shown))) this.#stable = 0;
    [this.#text, this.#cite, this.#drawn] = [shown, cite, drawn];
    const blocks = this.#blocks.filter((block) => block.key < this.#stable);
    let at = this.#stable;
    for (const token of lexed(shown.slice(at), !ended)) {
      if (token.type !== 'space') {
        blocks.push({ key: at, html: render(token, cite) });
        this.#stable = at;
      }
      at += token.raw.length;
    }
    this.#blocks = blocks;
    return blocks;
  }
}

/** A whole text as safe HTML. */
export function markdown(text: string): string {
  return new Blocks()
    .update(text)
    .map((block) => String(block.html))
    .join('');
}

const hasReferences = (text: string): boolean => /^ {0,3}\[[^\]\n]+\]:/m.test(text);

/** More brackets than this that are opened and not closed are no writing: each is looked for to the end of the text. */
const MOST_OPEN = 500;

/** A text that is nested too deeply to be read, or never closes what it opens, stays as it was written. */
function lexed(text: string, grows: boolean): Token[] {
  const asWritten: Token[] = [{ type: 'code', raw: text, text, lang: '' }];
  if (text.split('[').length - text.split(']').length > MOST_OPEN) return asWritten;
  try {
    return marked.lexer(text, { ...marked.defaults, grows, left: FORMULAS } as typeof marked.defaults);
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    return asWritten;
  }
}

function render(token: Token, cite: Cite | null): string | TrustedHTML {
  try {
    if (cite && token.raw.includes('[[')) {
      marked.walkTokens([token], (each) => {
        if (each.type === 'source') (each as SourceMark).cited = cite((each as SourceMark).key);
      });
    }
    return clean(marked.parser([token]));
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    return clean(`<p>${escape(token.raw)}</p>`);
  }
}
