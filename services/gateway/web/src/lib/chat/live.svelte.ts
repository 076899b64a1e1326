import type { AGUIEvent } from '@ag-ui/core';
import { api, signedOut } from '$lib/api/client';
import { type Problem, problemFrom } from '$lib/api/problem';
import type { Approval, GivenFile } from '$lib/api/types';
import { type ServerEvent, type StreamState, follow } from './sse';
import { Receipts } from './receipts.svelte';
import { type CallItem, Transcript } from './transcript.svelte';

const RELOAD_AFTER = 3_000;

/** One open conversation: loaded, followed, and brought up to date after every break. */
export class Live {
  readonly id: string;
  readonly transcript = new Transcript();
  readonly receipts: Receipts;
  phase = $state<'loading' | 'ready' | 'failed' | 'gone'>('loading');
  stream = $state<StreamState>('connecting');
  problem = $state.raw<Problem | null>(null);
  title = $state('');
  busy = $state(false);
  stopping = $state(false);

  #queue: [number, AGUIEvent][] = [];
  #frame: (() => void) | null = null;
  #reader: AbortController | null = null;
  #closed = false;
  #loads = 0;
  #reloaded = 0;
  #asked = new Set<string>();
  #onRun: () => void;

  /** `onRun` is called when a run begins or ends: titles and states in the list may have changed. */
  constructor(id: string, onRun: () => void) {
    this.id = id;
    this.receipts = new Receipts(id);
    this.#onRun = onRun;
  }

  /** Loads the conversation and follows it until `close`. */
  async open(): Promise<void> {
    this.#stopReading();
    const load = ++this.#loads;
    try {
      const history = await api.conversation(this.id);
      if (this.#closed || load !== this.#loads) return;
      this.title = history.title;
      this.transcript.load(history);
      this.phase = 'ready';
      this.problem = null;
      void this.#fetchApprovals();
      this.receipts.outdate();
      this.#read();
    } catch (thrown) {
      if (load === this.#loads) this.#failed(problemFrom(thrown));
    }
  }

  close(): void {
    this.#closed = true;
    this.receipts.close();
    this.#stopReading();
    document.removeEventListener('visibilitychange', this.#visibility);
  }

  /** Sends a message; false (and `problem`) where the server did not take it. */
  async say(text: string, files: readonly GivenFile[] = []): Promise<boolean> {
    const item = this.transcript.say(text, files);
    const sent = await this.#do(async () => {
      this.transcript.run = 'running';
      item.turn = (await api.say(this.id, text, files.map((file) => file.id))).turn;
    });
    if (!sent) {
      this.transcript.unsay(item);
      this.transcript.run = 'idle';
    }
    return sent;
  }

  /** Runs a command; the problem where the server did not take it. */
  async command(name: string, fields: Record<string, unknown>): Promise<Problem | null> {
    return this.#without(() => api.command(this.id, name, fields));
  }

  /** Takes back what a call did; the problem where the server did not begin to. */
  async undo(call: CallItem): Promise<Problem | null> {
    return this.#without(() => api.undo(this.id, call.id));
  }

  /** Begins a turn without a model. */
  async #without(action: () => Promise<unknown>): Promise<Problem | null> {
    const before = this.transcript.run;
    this.transcript.run = 'running';
    this.transcript.notice = null;
    this.problem = null;
    try {
      await action();
      return null;
    } catch (thrown) {
      this.transcript.run = before;
      return problemFrom(thrown);
    }
  }

  /** Has an answer written again, without its id the last one; the one that is there stays, as a version. */
  async retry(answer: string | null): Promise<void> {
    await this.#anew(() => (answer ? api.retryMessage(this.id, answer) : api.retry(this.id)));
  }

  /** Says something else in the place of a message; false (and `problem`) where the server did not take it. */
  async edit(message: string, text: string): Promise<boolean> {
    return this.#anew(() => api.editMessage(this.id, message, text));
  }

  /** Shows the version that a message is in. */
  async show(message: string): Promise<boolean> {
    return this.#anew(() => api.showMessage(this.id, message));
  }

  async #anew(action: () => Promise<unknown>): Promise<boolean> {
    const done = await this.#do(async () => {
      await action();
    });
    if (done) await this.open();
    return done;
  }

  /** Stops the running turn. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.#do(async () => {
      await api.stop(this.id);
    });
    this.stopping = false;
  }

  /** Puts a decision; the card shows what the server then says. */
  async decide(call: CallItem, decision: 'approve' | 'deny', note: string): Promise<Problem | null> {
    if (!call.approvalId) return null;
    try {
      call.approval = await api.decide(call.approvalId, decision, note, call.approval?.preview_digest ?? null);
      return null;
    } catch (thrown) {
      await this.fetchApproval(call);
      return call.approval && call.approval.state !== 'pending' ? null : problemFrom(thrown);
    }
  }

  /** Fetches the approval of a call, where it has one. */
  async fetchApproval(call: CallItem): Promise<void> {
    if (!call.approvalId) return;
    try {
      call.approval = await api.approval(call.approvalId);
    } catch (thrown) {
      if (!call.approval) this.problem = problemFrom(thrown);
    }
  }

  async #fetchApprovals(): Promise<void> {
    const missing = this.transcript.waiting.filter((call) => !call.approval && !this.#asked.has(call.approvalId ?? ''));
    for (const call of missing) this.#asked.add(call.approvalId ?? '');
    await Promise.all(missing.map((call) => this.fetchApproval(call)));
  }

  async #do(action: () => Promise<void>): Promise<boolean> {
    this.busy = true;
    this.problem = null;
    try {
      await action();
      return true;
    } catch (thrown) {
      this.problem = problemFrom(thrown);
      return false;
    } finally {
      this.busy = false;
    }
  }

  #failed(problem: Problem): void {
    this.problem = problem;
    if (problem.status === 404) this.phase = 'gone';
    else if (this.phase !== 'ready') this.phase = 'failed';
    else if (problem.status !== 401) setTimeout(() => !this.#closed && void this.open(), RELOAD_AFTER);
  }

  /** Loads the stored conversation, but not again and again where the stream keeps asking for it. */
  #reload(): void {
    this.transcript.needsReload = false;
    const wait = Math.max(0, this.#reloaded + RELOAD_AFTER - Date.now());
    this.#reloaded = Date.now() + wait;
    if (wait === 0) void this.open();
    else setTimeout(() => !this.#closed && void this.open(), wait);
  }

  #read(): void {
    this.#reader?.abort();
    this.#reader = new AbortController();
    document.removeEventListener('visibilitychange', this.#visibility);
    document.addEventListener('visibilitychange', this.#visibility);
    void follow({
      url: `/api/conversations/${this.id}/events`,
      lastId: () => this.#queue.at(-1)?.[0] ?? this.transcript.lastEventId,
      onEvent: (event) => this.#received(event),
      onState: (state) => this.#streamChanged(state),
      signal: this.#reader.signal
    });
  }

  #stopReading(): void {
    this.#reader?.abort();
    this.#reader = null;
    this.#flush();
  }

  /** A hidden page that waits for nothing gives its connection back: browsers allow few to one host. */
  #visibility = (): void => {
    if (document.hidden && this.transcript.run === 'idle') this.#stopReading();
    else if (!document.hidden && !this.#reader && !this.#closed) this.#read();
  };

  #streamChanged(state: StreamState): void {
    this.stream = state;
    if (state === 'gone') this.phase = 'gone';
    if (state === 'signed-out') signedOut();
  }

  #received(event: ServerEvent): void {
    const id = Number(event.id);
    const data = parsed(event.data);
    if (!Number.isSafeInteger(id) || id <= 0 || data === null) return;
    this.#queue.push([id, data]);
    this.#frame ??= nextFrame(() => this.#flush());
  }

  /** Applies what came since the last frame, so that fast tokens cost one rendering per frame. */
  #flush(): void {
    this.#frame?.();
    this.#frame = null;
    const queue = this.#queue;
    this.#queue = [];
    const before = this.transcript.run;
    for (const [id, event] of queue) this.transcript.apply(id, event);
    void this.#fetchApprovals();
    if (queue.some(([, event]) => mayHaveActed(event))) this.receipts.outdate();
    if (before !== this.transcript.run) this.#onRun();
    if (this.transcript.needsReload && !this.#closed) this.#reload();
  }
}

/** The event in a piece of data; null where it is none, which must not cost the connection. */
function parsed(data: string): AGUIEvent | null {
  try {
    const event: unknown = JSON.parse(data);
    return typeof event === 'object' && event !== null && 'type' in event ? (event as AGUIEvent) : null;
  } catch {
    return null;
  }
}

/** Whether something may have been done by now: a run began or ended, or a call went on. */
const mayHaveActed = (event: AGUIEvent): boolean =>
  ['RUN_STARTED', 'RUN_FINISHED', 'RUN_ERROR'].includes(event.type) || (event.type === 'CUSTOM' && event.name === 'oa.call');

/** Calls back with the next frame, or soon where the page is hidden and has none; returns how to cancel. */
function nextFrame(callback: () => void): () => void {
  if (document.hidden) {
    const timer = setTimeout(callback, 250);
    return () => clearTimeout(timer);
  }
  const frame = requestAnimationFrame(callback);
  return () => cancelAnimationFrame(frame);
}

export type { Approval };
