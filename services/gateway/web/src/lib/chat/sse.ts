/** One event of a `text/event-stream` (WHATWG HTML, 9.2.6). */
export interface ServerEvent {
  id: string | null;
  name: string;
  data: string;
}

/** Turns the pieces of an event stream into events; a piece may end anywhere, also inside a line end. */
export class EventParser {
  #rest = '';
  #id: string | null = null;
  #name = '';
  #data: string[] = [];

  /** The events that this piece completes. */
  push(piece: string): ServerEvent[] {
    this.#rest += piece;
    const events: ServerEvent[] = [];
    for (let line = this.#line(); line !== null; line = this.#line()) {
      const event = this.#take(line);
      if (event) events.push(event);
    }
    return events;
  }

  #line(): string | null {
    const end = this.#rest.search(/[\r\n]/);
    if (end < 0) return null;
    const isReturn = this.#rest[end] === '\r';
    if (isReturn && end + 1 === this.#rest.length) return null;
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + (isReturn && this.#rest[end + 1] === '\n' ? 2 : 1));
    return line;
  }

  #take(line: string): ServerEvent | null {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#name = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    return null;
  }

  #dispatch(): ServerEvent | null {
    const event = { id: this.#id, name: this.#name || 'message', data: this.#data.join('\n') };
    const filled = this.#data.length > 0;
    this.#name = '';
    this.#data = [];
    return filled ? event : null;
  }
}

export type StreamState = 'connecting' | 'open' | 'lost' | 'gone' | 'signed-out';

export interface FollowOptions {
  url: string;
  /** The id to go on after; kept by the caller, because it alone knows what it has applied. */
  lastId: () => number;
  onEvent: (event: ServerEvent) => void;
  onState: (state: StreamState) => void;
  signal: AbortSignal;
  /** Milliseconds to wait before attempt n (from 1). */
  backOff?: (attempt: number) => number;
  fetch?: typeof fetch;
}

/** A second, then two, four, up to fifteen, each shortened by up to a third so that clients do not come in step. */
export function backOff(attempt: number): number {
  return Math.min(15_000, 500 * 2 ** Math.min(attempt, 6)) * (1 - Math.random() / 3);
}

/** Reads an event stream until aborted; after a break it goes on from the last id. Ends early when 401 or 404 answers. */
export async function follow(options: FollowOptions): Promise<void> {
  const { onState, signal } = options;
  for (let attempt = 0; !signal.aborted; ) {
    onState(attempt === 0 ? 'connecting' : 'lost');
    const end = await readOnce(options, () => (attempt = 0));
    if (signal.aborted) return;
    if (end === 'gone' || end === 'signed-out') return onState(end);
    attempt += 1;
    if (attempt > 1) onState('lost');
    await pause((options.backOff ?? backOff)(attempt), signal);
  }
}

async function readOnce(options: FollowOptions, opened: () => void): Promise<'ended' | 'gone' | 'signed-out'> {
  const parser = new EventParser();
  try {
    const response = await (options.fetch ?? fetch)(options.url, {
      headers: { Accept: 'text/event-stream', 'Last-Event-ID': String(options.lastId()) },
      cache: 'no-store',
      signal: options.signal
    });
    if (response.status === 401) return 'signed-out';
    if (response.status === 404) return 'gone';
    if (!response.ok || !response.body) return 'ended';
    opened();
    options.onState('open');
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      for (const event of parser.push(read.value)) options.onEvent(event);
    }
  } catch {
    return 'ended';
  }
  return 'ended';
}

/** Waits, but no longer than until the browser says it is online again. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      globalThis.removeEventListener?.('online', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
    globalThis.addEventListener?.('online', done);
  });
}
