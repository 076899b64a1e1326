import { beforeAll, expect, test } from 'vitest';
import { Blocks, drawFormulas, hasFormulas, markdown } from '$lib/chat/markdown';
import { mathml } from '$lib/chat/mathml';

beforeAll(drawFormulas);

/** The text as a browser would build it, without running anything of it. */
const built = (text: string): Document => new DOMParser().parseFromString(markdown(text), 'text/html');
const drawn = (text: string): number => built(text).querySelectorAll('math').length;

const FORMULAS = [
  '$x$', 'so $E = mc^2$ holds', '$$\\int_0^1 x^2 dx$$', '\\(a + b\\)', '\\[a = b\\]', '$$\na = b \\\\\n- c\n$$', '\\[\n= 3\n\\]', 'text\n$$\nx\n$$\nmore',
  '- $x_1$\n- b', '> $$y^2$$', '| a |\n| - |\n| $x$ |', '**$x$**', 'is $\\frac{1}{2}$, or', '$n-1$', '$2x$', '$f(x)$', '$$ab\n=\ncd$$', 'costs $5$ exactly'
];
for (const text of FORMULAS) {
  test(`a formula is drawn: ${text.replaceAll('\n', ' ')}`, () => {
    expect(drawn(text)).toBe(1);
    expect(built(text).body.textContent).not.toMatch(/\$|\\[([\])]/);
  });
}

const NONE = [
  '$5 and $10', 'from $5 to $10.', 'US$5 or A$7', '5$ and 10$', '$5 for the tea and 3$', '$ 5 and 6 $', '$HOME/$USER', '$PATH$', 'echo $a; echo $b', '$100,000-$200,000',
  '`$x$`', '```\n$$x$$\n```', '\\$x\\$', '$$', '$$$', '$x', 'a $1 bill and a $2 bill', 'about $20/month or $200/year', 'You \\[maybe\\] said', '$5 a month, 7$'
];
for (const text of NONE) {
  test(`no formula: ${text.replaceAll('\n', ' ')}`, () => {
    expect(drawn(text)).toBe(0);
  });
}

test('money stays as it was written', () => {
  expect(built('It was $5 and $10, or 3$.').body.textContent?.trim()).toBe('It was $5 and $10, or 3$.');
});

test('nobody fetches what draws formulas for a text that can have none', () => {
  expect([hasFormulas('It costs $5.'), hasFormulas('plain'), hasFormulas('a $x$'), hasFormulas('\\(x\\)')]).toEqual([false, false, true, true]);
});

const HOSTILE = [
  '\\href{https://evil.example}{x}', '\\href{javascript:alert(1)}{x}', '\\url{https://evil.example}', '\\includegraphics{https://evil.example/p.png}',
  '\\def\\a{\\a\\a}\\a', '\\newcommand{\\a}{xxxx}\\a', '\\let\\a=\\b\\a', '\\style{position:fixed}{x}', '\\class{fixed}{x}', '\\htmlStyle{color:red}{x}',
  '\\data{x=1}{y}', '\\text{<img src=x onerror=alert(1)>}', '\\text{</mtext><script>alert(1)</script>}', '\\rule{1000em}{1000em}', '\\color{red}x', '\\kern-100em x',
  '\\rlap{xxxxxxxxxx}', '\\raise100em{x}', '\\fbox{x}', '\\colorbox{black}{x}', '\\hspace{-100em}x', '\\unicode{x202e}', '\\tag{<b>1</b>}', '\\begin{matrix}a&b\\\\c&d\\end{matrix}',
  '\\gdef\\x{y}', '\\mathchoice{a}{b}{c}{d}', '\\bbox[url(https://evil.example)]{x}', '\\cancel{x}', '\\verb|<script>|'
];
for (const tex of HOSTILE) {
  test(`a formula draws and does nothing else: ${tex}`, () => {
    const page = built(`$$${tex}$$`);
    expect(page.querySelectorAll('a,img,svg,script,style,iframe,maction,annotation,annotation-xml,semantics,mglyph')).toHaveLength(0);
    const attributes = [...page.body.querySelectorAll('*')].flatMap((element) => [...element.attributes]);
    expect(attributes.filter(({ name }) => /^(on|src|href|xlink|style|id$|action|mathcolor|mathbackground|voffset)/.test(name))).toEqual([]);
    expect(attributes.filter(({ value }) => /evil|javascript|url\(|^-/.test(value) && value)).toEqual([]);
    for (const { name, value } of attributes) if (/width|height|size/.test(name)) expect(Number.parseFloat(value)).toBeLessThanOrEqual(200);
  });
}

test('what one formula defines is unknown to the next', () => {
  expect(drawn('$$\\gdef\\foo{x}$$\n\n$$\\foo$$')).toBe(0);
});

const BOMBS: [string, string][] = [
  ['groups', '{'.repeat(1900)],
  ['closed groups', `${'{'.repeat(900)}x${'}'.repeat(900)}`],
  ['fractions', `${'\\frac{1}{'.repeat(200)}x${'}'.repeat(200)}`],
  ['roots', `${'\\sqrt{'.repeat(300)}x${'}'.repeat(300)}`],
  ['powers', `x${'^{x'.repeat(400)}${'}'.repeat(400)}`],
  ['matrices', '\\begin{matrix}a\\end{matrix}'.repeat(60)],
  ['nested matrices', `${'\\begin{matrix}'.repeat(60)}x${'\\end{matrix}'.repeat(60)}`],
  ['cells', `\\begin{matrix}${'&'.repeat(1900)}\\end{matrix}`],
  ['rows', `\\begin{matrix}${'\\\\'.repeat(900)}\\end{matrix}`],
  ['brackets', `${'\\left('.repeat(250)}x${'\\right)'.repeat(250)}`],
  ['accents', `${'\\hat{'.repeat(300)}x${'}'.repeat(300)}`],
  ['long', 'x+'.repeat(20_000)],
  ['text', `\\text{${'a'.repeat(1900)}}`],
  ['dots', '\\dots'.repeat(390)],
  ['primes', `x${"'".repeat(1900)}`]
];
for (const [name, tex] of BOMBS) {
  test(`too much of it is bounded: ${name}`, () => {
    const before = performance.now();
    const made = mathml(tex, true) ?? '';
    expect(performance.now() - before).toBeLessThan(1_000);
    expect(made.length).toBeLessThan(400_000);
  });
}

test('of very many formulas the first are drawn, and the rest stays as it was written', () => {
  const page = built('$x$ '.repeat(1_000));
  expect(page.querySelectorAll('math')).toHaveLength(300);
  expect(page.body.textContent?.match(/\$x\$/g)).toHaveLength(700);
});

test('a formula that is not closed yet stands as it is written, and nothing else changes when it closes', () => {
  const blocks = new Blocks();
  const whole = 'First *this*.\n\n$$\na_1 * b_1 = \\frac{1}{2} * c\n$$\n\nThen \\(x_1 * y_1\\) and that.';
  const seen: string[] = [];
  for (let end = 1; end <= whole.length; end += 1) {
    const html = blocks.update(whole.slice(0, end), false).map((block) => String(block.html)).join('');
    seen.push(html);
    expect(html).not.toMatch(/<em>(?!this)/);
  }
  expect(seen.filter((html) => html.includes('a_1 * b_1 = \\fr')).length).toBeGreaterThan(5);
  expect(String(blocks.update(whole, true).map((block) => block.html))).toBe(String(new Blocks().update(whole).map((block) => block.html)));
  expect(drawn(whole)).toBe(2);
});
