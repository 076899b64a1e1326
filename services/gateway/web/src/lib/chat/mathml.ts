import temml from 'temml';

/** A formula as MathML, or null where it is none, too large, or asks for more than to be drawn. */
export function mathml(tex: string, display: boolean): string | null {
  const key = `${display ? 'd' : 'i'}${tex}`;
  const known = drawn.get(key);
  if (known !== undefined) return known;
  const made = LONGEST >= tex.length && !REFUSED.test(tex) ? draw(tex, display) : null;
  if (drawn.size >= KEPT) drawn.clear();
  drawn.set(key, made);
  return made;
}

/** Characters of a formula that is still drawn. */
export const LONGEST = 2_000;
const MOST_NODES = 4_000;
const DEEPEST = 100;
/** So often macros may be replaced by what they stand for; the library's own are macros, too. */
const EXPANSIONS = 400;
/** In em and in pt: whatever wants to be larger is as large as this. */
const LARGEST: [number, number] = [20, 200];

/** What defines anything, leads anywhere, loads anything, or names what the page is made of. */
const REFUSED = /\\(?:[egx]?def|let|futurelet|global|long|(?:re)?newcommand|providecommand|newenvironment|DeclareMathOperator|href|url|includegraphics|class|cssId|id|style|data|htmlmathml|html\w*|unicode|char|input|catcode)(?![a-zA-Z])/;

const TAGS =
  'math mrow mi mn mo ms mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover mmultiscripts mprescripts none mtable mtr mtd mstyle mphantom'.split(' ');
const ATTRIBUTES = (
  'display mathvariant stretchy fence separator form lspace rspace width height accent accentunder linethickness scriptlevel displaystyle ' +
    'minsize maxsize movablelimits symmetric largeop columnalign rowspan columnspan'
).split(' ');
/** Elements and attributes of which formulas are drawn; beside them stand the classes of this file. */
export const drawnOf = { tags: TAGS, attributes: ATTRIBUTES };
/** No length below nothing: what is drawn stays where its text stands. */
const VALUE = /^[a-z0-9][a-z0-9.% -]{0,40}$/i;
/** A formula runs from left to right in every language. */
const ALIGNED: Record<string, string> = { left: 'md-begins', right: 'md-ends' };
const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Answers are drawn anew while they grow: what was drawn is kept for a while. */
const KEPT = 500;
const drawn = new Map<string, string | null>();

/** A node as the library has it: an element, a fragment without a type, or a text. */
interface Node {
  type?: string;
  text?: string;
  children?: Node[];
  attributes?: Record<string, unknown>;
  style?: Record<string, string>;
}

function draw(tex: string, display: boolean): string | null {
  try {
    const tree = temml.__renderToMathMLTree(tex, {
      displayMode: display, throwOnError: true, trust: false, strict: false, maxExpand: EXPANSIONS, maxSize: LARGEST
    }) as Node;
    return written(tree, { left: MOST_NODES }, 0);
  } catch {
    return null; // not a formula that the library knows
  }
}

/** The markup of a tree: elements of MathML that draw, no style, no address; throws where there is too much of it. */
function written(node: Node, count: { left: number }, depth: number): string {
  count.left -= 1;
  if (count.left < 0 || depth > DEEPEST) throw new RangeError('The formula is too large.');
  if (typeof node.text === 'string') return escape(node.text);
  const inner = (node.children ?? []).map((child) => written(child, count, depth + 1)).join('');
  if (!node.type || !TAGS.includes(node.type)) return node.type === 'mpadded' ? `<mrow>${inner}</mrow>` : inner;
  return `<${node.type}${attributesOf(node)}>${inner}</${node.type}>`;
}

function attributesOf({ attributes = {}, style = {} }: Node): string {
  const kept = Object.entries(attributes).filter(([name, value]) => ATTRIBUTES.includes(name) && VALUE.test(String(value)));
  const classes = classesOf(style);
  if (classes.length) kept.push(['class', classes.join(' ')]);
  return kept.map(([name, value]) => ` ${name}="${escape(String(value))}"`).join('');
}

/** Of the library's styles those that carry meaning, as classes: the page's policy allows no styles in the text. */
function classesOf(style: Record<string, string>): string[] {
  return [
    ALIGNED[style.textAlign ?? ''] ?? '',
    style.border ? 'md-boxed' : '',
    style.fontWeight === 'bold' ? 'md-bold' : '',
    Number.parseFloat(style.paddingLeft ?? '1') === 0 ? 'md-tight-before' : '',
    Number.parseFloat(style.paddingRight ?? '1') === 0 ? 'md-tight-after' : ''
  ].filter(Boolean);
}

const escape = (text: string): string => text.replace(/[&<>"]/g, (character) => ESCAPES[character] ?? character);
