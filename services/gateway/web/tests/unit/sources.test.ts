import { afterEach, expect, test, vi } from 'vitest';
import type { CallView, LookSource } from '$lib/api/types';
import { Blocks } from '$lib/chat/markdown';
import { MessageItem } from '$lib/chat/transcript.svelte';
import { foundIn, thingsIn } from '$lib/sources/found';
import { namedIn, unmarked } from '$lib/sources/marks';

const account = (connector: string, more: Partial<LookSource> = {}): LookSource => ({
  connector, name: connector, account: connector.repeat(4), account_name: 'Home', local: true, runs: true, key: 'id',
  found_in: { messages_search: 'id', threads_read: 'id', files_read: 'id', attachments_read: 'message' }, ...more
});
const by = (text: string) => ({ text, source: { source: 'a mail', authors: ['carol@example.org'] } });
const mail = (id: string, subject = `About ${id}`) => ({ id, subject: by(subject), sender: by('Carol <carol@example.org>'), date: '2026-11-20T10:00:00Z' });
const call = (id: string, content: unknown, more: Partial<CallView> = {}): CallView => ({
  id, connector: 'mail', account: 'mail'.repeat(4), tool: 'messages_search', effect: 'read', title: '', state: 'done', arguments: {}, result: { content, outside: [] }, approval_id: null, ...more
}) as CallView;

function answered(turn: string, ...calls: CallView[]): MessageItem {
  const message = new MessageItem(`${turn}-${calls.length}`, 'assistant', { turn });
  message.update({ id: '', role: 'assistant', turn, created_at: '', text: '', calls, error: null, usage: null, command: null, routed: null, outside: null, files: [], versions: [] });
  return message;
}
const titles = (found: ReturnType<typeof foundIn>, turn: string) => found.byTurn.get(turn)?.map((each) => each.row.title);

afterEach(() => vi.restoreAllMocks());

test('sources are what stands in the results of a turn, what was read alone before lists, each once', () => {
  const found = foundIn(
    [
      answered('1', call('a', { messages: [mail('x1'), mail('x2'), mail('x3')], note: '' })),
      answered('1', call('b', { messages: [mail('x2')], note: '' }, { tool: 'threads_read' })),
      answered('2', call('c', { messages: [mail('x9')] }))
    ],
    [account('mail')]
  );
  expect(titles(found, '1')).toEqual(['About x2', 'About x1', 'About x3']);
  expect(titles(found, '2')).toEqual(['About x9']);
  expect(found.byKey.get('x1')).toMatchObject({ id: `mail ${'mail'.repeat(4)} x1`, row: { key: 'x1', who: 'Carol <carol@example.org>' } });
  expect([...found.byKey.keys()]).toEqual(['x1', 'x2', 'x3', 'x9']);
});

test('what failed, waits, acts, or is no thing that opens is no source', () => {
  const results = { messages: [mail('x1')] };
  const calls = [
    call('a', results, { state: 'failed' }), call('b', results, { state: 'running' }), call('c', results, { effect: 'write' }),
    call('d', results, { tool: 'folders_list' }), call('e', results, { connector: 'other' }), call('f', null), call('g', 'text'), call('h', { messages: [{ id: 'x1' }, { subject: by('no id') }] })
  ];
  expect(foundIn([answered('1', ...calls)], [account('mail')]).byKey.size).toBe(0);
});

test('a thing is found however it is wrapped, under the key that the card names, and no more than a hundred', () => {
  expect(thingsIn({ file: { id: 'f1', name: by('Lease.pdf') }, text: by('…') }, 'id').map((row) => row.title)).toEqual(['Lease.pdf']);
  expect(thingsIn({ changes: [{ what: 'new', event: { id: 'e1', title: by('Signing') } }] }, 'id').map((row) => row.key)).toEqual(['e1']);
  expect(thingsIn({ message: 'm1', number: 2, name: by('Plan.pdf') }, 'message').map((row) => [row.key, row.title])).toEqual([['m1', 'Plan.pdf']]);
  expect(thingsIn({ messages: Array.from({ length: 300 }, (_, id) => mail(`x${id}`)) }, 'id')).toHaveLength(100);
  const deep: unknown = JSON.parse(`${'{"a":'.repeat(50)}{"id":"z","title":"z"}${'}'.repeat(50)}`);
  expect(thingsIn(deep, 'id')).toEqual([]);
});

test('what an account gave that is gone stays a source, to say so when it is opened', () => {
  const found = foundIn([answered('1', call('a', { messages: [mail('x1')] }, { account: 'gone' }))], [account('mail')]);
  expect(found.byKey.get('x1')?.source).toMatchObject({ account: 'gone', account_name: '' });
});

test('only marks of what was found count, in the order of the text', () => {
  const known = new Map([['a1', 1], ['b 2', 2]]);
  const text = 'One [[b 2]]. Two [[a1]], three [[b 2]], four [[zz]], [[]], [[https://evil.example]] and [[a1](https://evil.example).';
  expect(namedIn(text, known)).toEqual(['b 2', 'a1']);
  expect(unmarked(text, known)).toBe('One. Two, three, four [[zz]], [[]], [[https://evil.example]] and [[a1](https://evil.example).');
});

const cite = (key: string) => (key === 'a1' ? { number: 3, title: 'The <b>"lease"</b>' } : null);
const laid = (text: string, ended = true, known: typeof cite | null = cite) =>
  new DOMParser().parseFromString(new Blocks().update(text, ended, known).map((block) => String(block.html)).join(''), 'text/html');

test('a mark of a source is its number, and a button that names it', () => {
  const page = laid('It ends in May [[a1]].');
  const button = page.querySelector('button');
  expect([button?.textContent, button?.dataset.source, button?.getAttribute('aria-label')]).toEqual(['3', 'a1', 'Source 3: The <b>"lease"</b>']);
  expect(page.body.textContent?.trim()).toBe('It ends in May 3.');
  expect(page.querySelector('b')).toBeNull();
});

for (const text of ['[[zz]]', '[[<img src=x onerror=alert(1)>]]', '[[https://evil.example]]', '`[[a1]]`', '[[a1', '[[a\n1]]', '[[[a]]', '\\[[a1]]']) {
  test(`what was never found stays a text: ${text.replace('\n', ' ')}`, () => {
    const page = laid(`See ${text} there`);
    expect(page.querySelectorAll('button,img,script,a')).toHaveLength(0);
    expect(page.body.textContent).toContain(text.replace('\\', '').replaceAll('`', '').split('\n')[0]);
  });
}

test('the beginning of a mark is not shown while the text grows', () => {
  for (const end of ['[', '[[', '[[a', '[[a1', '[[a1]']) expect(laid(`It ends in May ${end}`, false).body.textContent?.trim()).toBe('It ends in May');
  expect(laid('It ends in May [[a1]]', false).querySelector('button')).not.toBeNull();
  expect(laid('It ends in May [[a1', false, null).body.textContent).toContain('[[a1');
});
