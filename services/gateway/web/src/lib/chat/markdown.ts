import DOMPurify from 'dompurify';
import { Marked, type Token, type Tokens } from 'marked';
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
        row.map((cell) => `<${tag}>${this.parser.parseInline(cell.tokens)}</${tag}>`).join('');
      const head = `<thead><tr>${cells(token.header, 'th')}</tr></thead>`;
      const rows = token.rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('');
      return (
        `<div class="md-table" tabindex="0" role="region" aria-label="${words.chat.table}">` +
        `<table>${head}<tbody>${rows}</tbody></table></div>`
      );
    }
  }
});

const TAGS =
  'p br strong em del s code pre h1 h2 h3 h4 h5 h6 ul ol li blockquote hr table thead tbody tr th td a span div button'.split(' ');
const ATTRIBUTES = ['href', 'target', 'rel', 'class', 'start', 'tabindex', 'role', 'aria-label', 'type', 'data-copy'];

const clean = (html: string): string | TrustedHTML =>
  DOMPurify.sanitize(html, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    RETURN_TRUSTED_TYPE: true,
    // Only `href` holds an address: the pattern below would else drop these for not being one.
    ADD_URI_SAFE_ATTR: ['target', 'rel', 'tabindex', 'type', 'start'],
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
  #blocks: Block[] = [];

  /** The blocks of `text`; `ended` says that it grows no more. */
  update(text: string, ended = true): Block[] {
    const source = text.replace(/\r\n?/g, '\n');
    const shown = ended ? source : source.replace(UNDECIDED, '');
    if (!shown.startsWith(this.#text) || (ended && hasReferences(shown))) this.#stable = 0;
    this.#text = shown;
    const blocks = this.#blocks.filter((block) => block.key < this.#stable);
    let at = this.#stable;
    for (const token of lexed(shown.slice(at))) {
      if (token.type !== 'space') {
        blocks.push({ key: at, html: render(token) });
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

/** A text that is nested too deeply to be read stays as it was written. */
function lexed(text: string): Token[] {
  try {
    return marked.lexer(text);
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    return [{ type: 'code', raw: text, text, lang: '' }];
  }
}

function render(token: Token): string | TrustedHTML {
  try {
    return clean(marked.parser([token]));
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    return clean(`<p>${escape(token.raw)}</p>`);
  }
}
