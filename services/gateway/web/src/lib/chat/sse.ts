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
  /** Milliseconds without a byte after which a connection counts as dead. */
  silence?: number;
  fetch?: typeof fetch;
}

/** Three times the pause between the comments by which the gateway shows that it is there. */
const SILENCE = 45_000;

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

type End = 'ended' | 'gone' | 'signed-out';

/** One connection, from its request to its end; a connection that falls silent is cut. */
async function readOnce(options: FollowOptions, opened: () => void): Promise<End> {
  const watch = new Watch(options.signal, options.silence ?? SILENCE);
  try {
    const response = await (options.fetch ?? fetch)(options.url, {
      headers: { Accept: 'text/event-stream', 'Last-Event-ID': String(options.lastId()) },
      cache: 'no-store',
      signal: watch.signal
    });
    if (response.status === 401) return 'signed-out';
    if (response.status === 404) return 'gone';
    if (!response.ok || !response.body) return 'ended';
    opened();
    options.onState('open');
    await readBody(response.body, options.onEvent, watch);
  } catch {
    return 'ended';
  } finally {
    watch.end();
  }
  return 'ended';
}

async function readBody(body: ReadableStream<Uint8Array>, onEvent: FollowOptions['onEvent'], watch: Watch): Promise<void> {
  const parser = new EventParser();
  const decoder = new TextDecoder();
  const reader = body.getReader();
  const cut = (): void => void reader.cancel().catch(() => undefined);
  watch.signal.addEventListener('abort', cut);
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    watch.heard();
    for (const event of parser.push(decoder.decode(read.value, { stream: true }))) onEvent(event);
  }
}

/** Aborts with its parent, or when nothing was heard for too long: a laptop that slept never hears of the end. */
class Watch {
  readonly #own = new AbortController();
  readonly #stop = (): void => this.#own.abort();
  #timer: ReturnType<typeof setTimeout>;

  constructor(
    readonly parent: AbortSignal,
    readonly silence: number
  ) {
    parent.addEventListener('abort', this.#stop);
    this.#timer = setTimeout(this.#stop, silence);
  }

  get signal(): AbortSignal {
    return this.#own.signal;
  }

  heard(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#stop, this.silence);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.parent.removeEventListener('abort', this.#stop);
  }
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
