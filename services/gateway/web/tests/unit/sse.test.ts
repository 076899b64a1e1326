import { expect, test } from 'vitest';
import { EventParser, type StreamState, backOff, follow } from '$lib/chat/sse';

const all = (...pieces: string[]) => {
  const parser = new EventParser();
  return pieces.flatMap((piece) => parser.push(piece));
};

test('an event has its id, its name and its data', () => {
  expect(all('id: 7\nevent: oa\ndata: {"a":1}\n\n')).toEqual([{ id: '7', name: 'oa', data: '{"a":1}' }]);
});

test('several data lines are one text with line ends', () => {
  expect(all('data: one\ndata: two\n\n')[0]?.data).toBe('one\ntwo');
});

test('a stream cut at every place gives the same events', () => {
  const stream = 'id: 1\r\ndata: first\r\n\r\n: comment\ndata:second\nid: 2\n\ndata: third\r\rid: 3\ndata\n\n';
  const whole = all(stream);
  expect(whole).toHaveLength(4);
  for (let cut = 1; cut < stream.length; cut += 1) expect(all(stream.slice(0, cut), stream.slice(cut))).toEqual(whole);
  expect(all(...stream)).toEqual(whole);
});

test('comments and events without data are not events', () => {
  expect(all(': keep-alive\n\nid: 5\n\n')).toEqual([]);
});

test('an id holds for the events after it', () => {
  expect(all('id: 5\ndata: a\n\ndata: b\n\n').map((event) => event.id)).toEqual(['5', '5']);
});

test('what was not finished is not an event', () => {
  expect(all('id: 5\ndata: half')).toEqual([]);
});

test('waits grow and have an end', () => {
  expect(backOff(1)).toBeLessThanOrEqual(1_000);
  expect(backOff(50)).toBeLessThanOrEqual(15_000);
  expect(backOff(50)).toBeGreaterThan(9_000);
});

/** Answers one request after the other with what is given; the last one for ever. */
function answering(...answers: (() => Response)[]): { fetch: typeof fetch; asked: (string | null)[] } {
  const asked: (string | null)[] = [];
  const answer = async (_: unknown, options?: RequestInit): Promise<Response> => {
    asked.push(new Headers(options?.headers).get('Last-Event-ID'));
    return (answers[asked.length - 1] ?? answers.at(-1))?.() ?? new Response(null, { status: 404 });
  };
  return { fetch: answer as typeof fetch, asked };
}

test('a broken stream goes on after the last event', async () => {
  const { fetch, asked } = answering(
    () => new Response('id: 3\ndata: a\n\nid: 4\ndata: b\n\nid: 5\ndata: ha'),
    () => new Response('id: 5\ndata: c\n\n'),
    () => new Response(null, { status: 404 })
  );
  const seen: string[] = [];
  const states: StreamState[] = [];
  let last = 2;
  await follow({
    url: '/events',
    fetch,
    lastId: () => last,
    onEvent: (event) => {
      last = Number(event.id);
      seen.push(event.data);
    },
    onState: (state) => states.push(state),
    signal: new AbortController().signal,
    backOff: () => 0
  });
  expect(seen).toEqual(['a', 'b', 'c']);
  expect(asked).toEqual(['2', '4', '5']);
  expect(states.at(-1)).toBe('gone');
  expect(states).toContain('lost');
});

test('the end of a session ends the stream', async () => {
  const { fetch, asked } = answering(() => new Response(null, { status: 401 }));
  const states: StreamState[] = [];
  const signal = new AbortController().signal;
  await follow({ url: '/events', fetch, lastId: () => 0, onEvent: () => {}, onState: (state) => states.push(state), signal });
  expect(asked).toHaveLength(1);
  expect(states.at(-1)).toBe('signed-out');
});

test('a closed page asks no more', async () => {
  const closing = new AbortController();
  const { fetch, asked } = answering(() => {
    closing.abort();
    return new Response('');
  });
  await follow({ url: '/events', fetch, lastId: () => 0, onEvent: () => {}, onState: () => {}, signal: closing.signal });
  expect(asked).toHaveLength(1);
});

test('a connection that falls silent is cut, and the stream goes on', async () => {
  const dead = (): Response => new Response(new ReadableStream({ start: (stream) => stream.enqueue(new TextEncoder().encode('id: 3\ndata: a\n\n')) }));
  const { fetch, asked } = answering(dead, () => new Response(null, { status: 404 }));
  let last = 0;
  await follow({
    url: '/events',
    fetch,
    lastId: () => last,
    onEvent: (event) => (last = Number(event.id)),
    onState: () => {},
    signal: new AbortController().signal,
    backOff: () => 0,
    silence: 20
  });
  expect(asked).toEqual(['0', '3']);
});

test('a server that fails is asked again, with growing waits', async () => {
  const waits: number[] = [];
  const failing = (): Response => new Response(null, { status: 503 });
  const { fetch, asked } = answering(failing, failing, failing, () => new Response(null, { status: 401 }));
  await follow({
    url: '/events',
    fetch,
    lastId: () => 9,
    onEvent: () => {},
    onState: () => {},
    signal: new AbortController().signal,
    backOff: (attempt) => (waits.push(attempt), 0)
  });
  expect(waits).toEqual([1, 2, 3]);
  expect(asked).toEqual(['9', '9', '9', '9']);
});

test('a character cut in two between pieces comes whole', async () => {
  const bytes = new TextEncoder().encode('id: 1\ndata: Grüße 🏡\n\n');
  const body = new ReadableStream({
    start(stream) {
      for (const byte of bytes) stream.enqueue(Uint8Array.of(byte));
      stream.close();
    }
  });
  const { fetch } = answering(() => new Response(body), () => new Response(null, { status: 404 }));
  const seen: string[] = [];
  await follow({
    url: '/events',
    fetch,
    lastId: () => 0,
    onEvent: (event) => seen.push(event.data),
    onState: () => {},
    signal: new AbortController().signal,
    backOff: () => 0
  });
  expect(seen).toEqual(['Grüße 🏡']);
});
