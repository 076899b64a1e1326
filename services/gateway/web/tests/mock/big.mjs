/** What is big or means ill: a conversation of 2,000 messages, a ledger of 100,000 records, and answers that try to harm the page. */
import { answered, before, call, entryOf, messages } from './data.mjs';

const number = (/** @type {number} */ at) => at.toString(16).padStart(32, '0');

const QUESTION = 'What did Carol write about the lease? Tell me what is new since last week.';
const ANSWER = `Carol wrote **twice**. She waits for *Friday*:

- The contract is ready, see [the office](https://office.example/).
- The deposit is \`1,200 EUR\`.

| when | what |
| --- | --- |
| Friday | sign |
| Monday | move |
`;
const CODE = 'Like this:\n\n```python\nfor mail in mails:\n    print(mail.subject)\n```\n\nThat is all.';

/** Two thousand messages, every fifth answer with a search. */
export const long = Array.from({ length: 2_000 }, (_, at) => {
  const turn = number(1_000_000 + Math.floor(at / 2));
  const common = { id: number(at + 1), turn, created_at: before(4_000 - at) };
  if (at % 2 === 0) return { ...messages[0], ...common, text: `${QUESTION} (${at})` };
  const calls = at % 10 === 1 ? [{ ...call('8', { result: { content: { found: 2 } } }), id: number(2_000_000 + at) }] : [];
  return { ...answered[1], ...common, text: `${at % 6 === 1 ? CODE : ANSWER}\nNumber ${at}.`, calls };
});

export const VAST = 100_000;

/** A page of a ledger of 100,000 records, newest first. @param {number} after @param {number} limit */
export function vastPage(after, limit) {
  const first = Math.min(after, VAST) - 1;
  return Array.from({ length: Math.max(0, Math.min(limit, first + 1)) }, (_, at) => entryOf(first - at, VAST));
}

const MEGABYTE = 1_000_000;
const fill = (/** @type {string} */ piece, length = MEGABYTE) => piece.repeat(Math.ceil(length / piece.length)).slice(0, length);

/** Answers that try something, by name. @type {Record<string, string>} */
export const hostile = {
  script: '<script>fetch("https://evil.example")</script><img src="https://evil.example/p.png" onerror="alert(1)">\n\n[click](javascript:alert(1)) ![pixel](https://evil.example/pixel.png)\n\nThe end.',
  paragraph: `${fill('A long thought that does not end. ')}The end.`,
  unbroken: fill('a'),
  fence: `\`\`\`python\n${fill('print("an unclosed fence")\n')}`,
  table: `| one | two |\n| --- | --- |\n${fill('| 1 | **2** |\n')}`,
  wide: `${fill('| a ', 6_000)}|\n${fill('|---', 6_000)}|\n${fill('| 1 ', 6_000)}|\n`,
  list: fill('- one\n', 200_000),
  headings: fill('# a\n', 200_000),
  quotes: `${'>'.repeat(20_000)} deep`,
  nested: Array.from({ length: 400 }, (_, at) => `${' '.repeat(at * 2)}- deeper`).join('\n'),
  ordered: fill('1. ', 100_000),
  emphasis: fill('_a', 100_000),
  ticks: fill('` `` ', 100_000),
  brackets: fill('![', 100_000),
  references: fill('[a]: b\n', 100_000),
  turned: 'The invoice is \u202Egpj.exe\u202C, pay \u2066to\u202E evil\u2069 me.\n\n```\nif admin:\u202E # see \u2066 if user\n```\n\nThe end.'
};
