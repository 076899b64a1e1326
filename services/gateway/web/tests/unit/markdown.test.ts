import { expect, test } from 'vitest';
import { addressOf, carriesData } from '$lib/chat/links';
import { Blocks, markdown } from '$lib/chat/markdown';

/** The text as a browser would build it, without running anything of it. */
const built = (text: string): Document => new DOMParser().parseFromString(markdown(text), 'text/html');

const ATTACKS = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg onload=alert(1)>',
  '<iframe src="https://evil.example"></iframe>',
  '<a href="javascript:alert(1)">x</a>',
  '[x](javascript:alert(1))',
  '[x](JaVaScRiPt:alert(1))',
  '[x](java\tscript:alert(1))',
  '[x](data:text/html;base64,PHNjcmlwdD4=)',
  '[x](vbscript:msgbox(1))',
  '[x](<javascript:alert(1)>)',
  '![x](https://evil.example/pixel.png)',
  '![x][pixel]\n\n[pixel]: https://evil.example/pixel.png',
  '![x" onerror="alert(1)](https://evil.example/"onerror="alert(1))',
  '[x](https://ok.example/"onmouseover="alert(1))',
  '```"><img src=x onerror=alert(1)>\ncode\n```',
  '`<img src=x onerror=alert(1)>`',
  '<style>body{background:url(https://evil.example)}</style>',
  '<form action="https://evil.example"><input name=a></form>',
  '| <img src=x onerror=alert(1)> |\n| --- |\n| <script>alert(1)</script> |',
  '<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>',
  '<object data="https://evil.example"></object><embed src="https://evil.example">',
  '<link rel=stylesheet href="https://evil.example"><meta http-equiv=refresh content="0;url=https://evil.example">',
  '<link rel=prefetch href="https://evil.example"><link rel=preload as=image href="https://evil.example/p">',
  '<link rel=dns-prefetch href="//evil.example"><link rel=preconnect href="https://evil.example"><link rel=modulepreload href="https://evil.example/m.js">',
  '<style>@import "https://evil.example/s.css"; @font-face{font-family:x;src:url(https://evil.example/f)}</style>',
  '<p style="background:url(https://evil.example/p)">x</p><table background="https://evil.example/p"><tr><td>x</table>',
  '<picture><source srcset="https://evil.example/p 2x"><img srcset="https://evil.example/p"></picture>',
  '<video poster="https://evil.example/p" src="https://evil.example/v" autoplay></video><audio src="https://evil.example/a" autoplay>',
  '<svg><image href="https://evil.example/p"/><use xlink:href="https://evil.example/u#x"/></svg>',
  '<a href="https://ok.example" ping="https://evil.example">x</a>',
  '<iframe srcdoc="<img src=https://evil.example>"></iframe><frameset><frame src="https://evil.example">',
  '<script type=speculationrules>{"prefetch":[{"urls":["https://evil.example"]}]}</script>',
  '<input type=image src="https://evil.example/p"><button formaction="https://evil.example">x</button>',
  '- <details open ontoggle=alert(1)>',
  '# <base href="https://evil.example">'
];

for (const attack of ATTACKS) {
  test(`nothing runs and nothing loads: ${attack.slice(0, 50).replaceAll('\n', ' ')}`, () => {
    const page = built(attack);
    expect(page.querySelectorAll('script,img,svg,iframe,frame,object,embed,style,form,input,link,meta,base,math,details,picture,source,video,audio,track')).toHaveLength(0);
    const attributes = [...page.body.querySelectorAll('*')].flatMap((element) => [...element.attributes]);
    expect(attributes.filter(({ name }) => /^(on|src|srcset|style|action|data$|ping|poster|background|formaction|xlink)/.test(name))).toEqual([]);
    expect([...page.querySelectorAll('[href]')].filter((element) => element.tagName !== 'A')).toEqual([]);
    for (const link of page.querySelectorAll('a')) expect(link.protocol).toMatch(/^(https?|mailto):$/);
  });
}

test('a remote image is named and not loaded', () => {
  const page = built('![the house](https://photos.example/house.jpg)');
  expect(page.querySelector('img')).toBeNull();
  expect(page.body.textContent).toContain('the house');
  expect(page.body.textContent).toContain('photos.example');
});

test('a link shows where it leads and opens apart', () => {
  const link = built('[Your bank](https://evil.example/login)').querySelector('a');
  expect(link?.rel).toContain('noopener');
  expect(link?.target).toBe('_blank');
  expect(link?.nextElementSibling?.textContent).toBe('(evil.example)');
});

test('code and tables can be reached and scrolled by keyboard', () => {
  const page = built('```js\nlet a;\n```\n\n| a |\n| - |\n| 1 |\n\n3. three');
  expect([...page.querySelectorAll('[role=region]')].map((region) => region.getAttribute('tabindex'))).toEqual(['0', '0']);
  expect(page.querySelector('button')?.type).toBe('button');
  expect(page.querySelector('ol')?.start).toBe(3);
});

test('the columns of a table stand as they are marked', () => {
  const page = built('| day | place | sum |\n| --- | :-: | --: |\n| Monday | home | 12 |');
  expect([...page.querySelectorAll('td')].map((cell) => cell.className)).toEqual(['', 'md-center', 'md-right']);
});

test('a text that opens brackets without end stays as it was written', () => {
  const text = '!['.repeat(20_000);
  expect(built(text).querySelector('code')?.textContent).toBe(text);
  expect(built('[a'.repeat(400)).querySelector('code')).toBeNull();
});

test('a link that runs something stays a text', () => {
  const page = built('[click](javascript:alert(1))');
  expect(page.querySelector('a')).toBeNull();
  expect(page.body.textContent).toContain('click');
});

test('an address that can carry words of the conversation asks first', () => {
  const carries = (address: string): boolean => carriesData(new URL(address));
  expect(carries('https://evil.example/?q=secret')).toBe(true);
  expect(carries('https://evil.example/#secret')).toBe(true);
  expect(carries('https://user@evil.example/')).toBe(true);
  expect(carries(`https://evil.example/${'a'.repeat(60)}`)).toBe(true);
  expect(carries(`https://${'a'.repeat(50)}.evil.example/`)).toBe(true);
  expect(carries('https://example.org/help')).toBe(false);
});

test('only addresses of pages and mails are links', () => {
  expect(addressOf('https://example.org')?.host).toBe('example.org');
  expect(addressOf('mailto:carol@example.org')?.pathname).toBe('carol@example.org');
  expect(addressOf('file:///etc/passwd')).toBeNull();
  expect(addressOf('/relative')).toBeNull();
});

test('a growing text ends as the whole text does', () => {
  const text = '# Title\n\nA *word* and\nanother.\n\n- one\n- two\n\n```js\nlet a = 1;\n```\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\nEnd.';
  const blocks = new Blocks();
  for (let end = 1; end < text.length; end += 1) blocks.update(text.slice(0, end), false);
  expect(blocks.update(text, true).map((block) => block.html).join('')).toBe(markdown(text));
});

test('blocks that are finished keep their key and text while the last one grows', () => {
  const blocks = new Blocks();
  const before = blocks.update('First.\n\nSecond', false)[0];
  expect(blocks.update('First.\n\nSecond and more', false)[0]).toBe(before);
});
