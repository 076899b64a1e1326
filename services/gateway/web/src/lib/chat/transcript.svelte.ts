import type { AGUIEvent } from '@ag-ui/core';
import type {
  Approval,
  CallState,
  CallView,
  CommandNote,
  ConversationState,
  Effect,
  GivenFile,
  History,
  Message,
  OutsideSource,
  RouteNote
} from '$lib/api/types';

/** The event types as plain words: importing the enumeration would pull its module in. */
type Events = { [Type in `${AGUIEvent['type']}`]: Extract<AGUIEvent, { type: Type }> };
type Fields<Type extends keyof Events> = Events[Type] extends infer Event
  ? { [Key in keyof Event as string extends Key ? never : Key]: Event[Key] }
  : never;

/** One tool call, as it stands. */
export class CallItem {
  readonly id: string;
  connector = $state('');
  tool = $state('');
  effect = $state<Effect>('delete');
  title = $state('');
  account = $state<string | null>(null);
  state = $state<CallState>('proposed');
  arguments = $state.raw<Record<string, unknown>>({});
  result = $state.raw<unknown>(null);
  approvalId = $state<string | null>(null);
  approval = $state.raw<Approval | null>(null);
  given = '';

  constructor(id: string, tool = '') {
    this.id = id;
    this.tool = tool;
  }

  /** Takes over what the server stored. */
  update(view: CallView): void {
    this.connector = view.connector;
    this.tool = view.tool;
    this.effect = view.effect;
    this.title = view.title;
    this.account = view.account;
    this.state = view.state;
    this.arguments = view.arguments;
    this.result = view.result;
    this.approvalId = view.approval_id;
  }

  /** The answer's own part of the result, without its wrapping. */
  get content(): unknown {
    return isJson(this.result) && 'content' in this.result ? this.result.content : this.result;
  }

  /** Where text from outside came in with the result. */
  get outside(): OutsideSource[] {
    const outside = isJson(this.result) ? this.result.outside : null;
    return Array.isArray(outside) ? (outside as OutsideSource[]) : [];
  }

  /** Why it failed or was not done, in words; empty where nothing was said. */
  get reason(): string {
    const error = isJson(this.result) && isJson(this.result.error) ? this.result.error : null;
    const said = error?.message ?? error?.detail;
    return typeof said === 'string' ? said : '';
  }
}

/** One message as the chat shows it. */
export class MessageItem {
  readonly id: string;
  readonly role: 'user' | 'assistant';
  turn: string;
  createdAt: string;
  text = $state('');
  calls = $state<CallItem[]>([]);
  error = $state.raw<{ code: string; detail: string } | null>(null);
  usage = $state.raw<Usage | null>(null);
  /** What was run instead of asking a model; with the owner's message, and with what the server stored of its answer. */
  command = $state.raw<CommandNote | null>(null);
  /** What the model that wrote it saw. */
  routed = $state.raw<RouteNote | null>(null);
  /** With what it was brought in, if it was not said here. */
  outside = $state.raw<string | null>(null);
  /** What was given with it. */
  files = $state.raw<readonly GivenFile[]>([]);
  /** The messages that stand in its place, itself among them; none where it is alone there. */
  versions = $state.raw<readonly string[]>([]);
  streaming = $state(false);
  stopped = $state(false);
  /** Said here, not yet confirmed by the server. */
  local = false;
  /** Came in by events while this page was open, and not with the stored conversation. */
  live = false;

  constructor(id: string, role: 'user' | 'assistant', options: { turn?: string; createdAt?: string } = {}) {
    this.id = id;
    this.role = role;
    this.turn = options.turn ?? '';
    this.createdAt = options.createdAt ?? new Date().toISOString();
  }

  /** Takes over what the server stored. */
  update(message: Message): void {
    this.turn = message.turn;
    this.createdAt = message.created_at;
    this.text = message.text;
    this.error = message.error;
    this.usage = usageOf(message.usage);
    this.command = message.command;
    this.routed = message.routed;
    this.outside = message.outside;
    this.files = message.files ?? [];
    this.versions = message.versions ?? [];
    const known = new Map(this.calls.map((call) => [call.id, call]));
    this.calls = message.calls.map((view) => {
      const call = known.get(view.id) ?? new CallItem(view.id);
      call.update(view);
      return call;
    });
  }
}

/** Tokens of one answer, as its provider counted them, or estimated; money in millionths, null where no price is known. */
export interface Usage {
  model: string;
  input: number;
  cached: number;
  output: number;
  micro: number | null;
  currency: string;
  estimated: boolean;
}

export interface Notice {
  level: string;
  text: string;
}

/** A conversation's messages under its events. Events with an id that was seen are ignored. */
export class Transcript {
  messages = $state<MessageItem[]>([]);
  run = $state<ConversationState>('idle');
  notice = $state.raw<Notice | null>(null);
  lastEventId = 0;
  /** Set by an event after which only the stored conversation is certain. */
  needsReload = false;
  /** The newest turn: that of the stored conversation, or of the run that began last, which is named after its first. */
  #turn = '';

  /** Takes over the stored conversation; what is the same keeps its identity, so that nothing flickers. */
  load(history: History): void {
    const known = new Map(this.messages.map((message) => [message.id, message]));
    this.messages = history.messages.map((stored) => {
      const item = known.get(stored.id) ?? new MessageItem(stored.id, stored.role);
      item.update(stored);
      item.streaming = false;
      return item;
    });
    this.#turn = history.messages.at(-1)?.turn ?? '';
    this.run = history.state;
    this.lastEventId = history.last_event_id;
    this.needsReload = false;
    const last = this.messages.at(-1);
    if (last?.role === 'assistant' && history.state === 'running') last.streaming = true;
  }

  /** Shows what was just said, before the server has confirmed it. */
  say(text: string, files: readonly GivenFile[] = []): MessageItem {
    const item = new MessageItem(`local-${crypto.randomUUID?.() ?? Math.random()}`, 'user');
    item.text = text;
    item.files = files;
    item.local = true;
    this.messages.push(item);
    this.notice = null;
    return item;
  }

  /** Takes an unconfirmed message back, because the server refused it. */
  unsay(item: MessageItem): void {
    this.messages = this.messages.filter((message) => message.id !== item.id);
  }

  /** Applies one event; false where it was seen before. */
  apply(id: number, event: AGUIEvent): boolean {
    // A snapshot may carry an older id: then the server has lost what was seen here, and what it stored counts.
    const isSetBack = event.type === ('MESSAGES_SNAPSHOT' as AGUIEvent['type']) && id !== this.lastEventId;
    if (id <= this.lastEventId && !isSetBack) return false;
    this.lastEventId = Math.max(id, this.lastEventId);
    if (Object.hasOwn(this.#handlers, event.type)) {
      const handler = this.#handlers[event.type as keyof Events] as (event: AGUIEvent) => void;
      handler(event);
    }
    return true;
  }

  /** The call of that id, or null. */
  call(id: string): CallItem | null {
    for (let at = this.messages.length - 1; at >= 0; at -= 1) {
      const found = this.messages[at]?.calls.find((call) => call.id === id);
      if (found) return found;
    }
    return null;
  }

  /** The calls that wait for a decision, oldest first. */
  get waiting(): CallItem[] {
    return this.messages.flatMap((message) => message.calls.filter((call) => call.state === 'waiting'));
  }

  readonly #handlers: { [Type in keyof Events]?: (event: Fields<Type>) => void } = {
    RUN_STARTED: (event) => {
      this.run = 'running';
      this.#turn = event.parentRunId ?? event.runId;
      this.notice = null;
    },
    RUN_FINISHED: (event) => this.#finished(event),
    RUN_ERROR: (event) => {
      this.run = 'idle';
      this.#settle();
      this.#answer().error = { code: event.code ?? 'internal', detail: event.message };
    },
    TEXT_MESSAGE_START: (event) => this.#assistant(event.messageId),
    TEXT_MESSAGE_CONTENT: (event) => {
      this.#assistant(event.messageId).text += event.delta;
    },
    TEXT_MESSAGE_END: (event) => {
      const message = this.messages.find((each) => each.id === event.messageId);
      if (message) message.streaming = false;
    },
    TOOL_CALL_START: (event) => {
      if (this.call(event.toolCallId)) return;
      const message = event.parentMessageId ? this.#assistant(event.parentMessageId) : this.#answer();
      message.calls.push(new CallItem(event.toolCallId, event.toolCallName));
    },
    TOOL_CALL_ARGS: (event) => {
      const call = this.call(event.toolCallId);
      if (call) call.given += event.delta;
    },
    TOOL_CALL_END: (event) => {
      const call = this.call(event.toolCallId);
      if (call) call.arguments = argumentsOf(call.given);
    },
    TOOL_CALL_RESULT: (event) => {
      const call = this.call(event.toolCallId);
      if (call) call.result = typeof event.content === 'string' ? parsed(event.content) : event.content;
    },
    MESSAGES_SNAPSHOT: () => {
      this.needsReload = true;
    },
    CUSTOM: (event) => this.#custom(event.name, event.value)
  };

  #finished(event: Fields<'RUN_FINISHED'>): void {
    const outcome = event.outcome;
    this.run = outcome?.type === 'interrupt' ? 'waiting' : 'idle';
    this.#settle();
    const answer = this.messages.at(-1);
    if (answer?.role === 'assistant') answer.usage ??= usageOf(event.usage?.at(-1));
    // What waits is never read out of an event: the agent writes those. The card comes from the gateway.
    if (outcome?.type === 'cancelled') this.#answer().stopped = true;
  }

  #custom(name: string, value: unknown): void {
    if (!isJson(value)) return;
    if (name === 'oa.call') this.#callChanged(value);
    if (name === 'oa.message') this.#said(value);
    if (name === 'oa.version') this.needsReload = true;
    if (name === 'oa.usage') this.#answer().usage = usageOf(value);
    if (name === 'oa.routed') this.#assistant(String(value.messageId)).routed = routeNote(value);
    if (name === 'oa.notice') this.notice = { level: String(value.level ?? 'info'), text: String(value.text ?? '') };
  }

  #callChanged(value: Record<string, unknown>): void {
    const call = this.call(String(value.callId));
    if (!call) return;
    if (STATES.has(value.state as CallState)) call.state = value.state as CallState;
    if (typeof value.connector === 'string') call.connector = value.connector;
    if (typeof value.tool === 'string') call.tool = value.tool;
    if (typeof value.effect === 'string') call.effect = value.effect as Effect;
    if (typeof value.title === 'string') call.title = value.title;
    if (typeof value.account === 'string') call.account = value.account;
    if (typeof value.approvalId === 'string') call.approvalId = value.approvalId;
  }

  /** A message of the owner: the one said here gets its id, one from another window appears. */
  #said(value: Record<string, unknown>): void {
    const id = String(value.id);
    if (value.role !== 'user' || this.messages.some((message) => message.id === id)) return;
    const item = new MessageItem(id, 'user', {
      turn: String(value.turn ?? ''),
      createdAt: String(value.created_at ?? value.created ?? '')
    });
    item.text = String(value.text ?? '');
    if (isJson(value.command)) item.command = { name: String(value.command.name), fields: isJson(value.command.fields) ? value.command.fields : {} };
    if (Array.isArray(value.files)) item.files = value.files as GivenFile[];
    const mine = this.messages.findIndex((message) => message.local && message.text === item.text);
    if (mine >= 0) this.messages[mine] = item;
    else this.messages.push(item);
  }

  #assistant(id: string): MessageItem {
    const found = this.messages.find((message) => message.id === id);
    if (found) return found;
    this.#settle();
    const item = new MessageItem(id, 'assistant', { turn: this.#turn });
    item.live = true;
    item.streaming = true;
    this.messages.push(item);
    return this.messages.at(-1) as MessageItem;
  }

  /** The answer that is being written, or an empty one to hang an error on. */
  #answer(): MessageItem {
    const last = this.messages.at(-1);
    if (last?.role === 'assistant') return last;
    const item = new MessageItem(`answer-${this.lastEventId}`, 'assistant', { turn: this.#turn });
    this.messages.push(item);
    return this.messages.at(-1) as MessageItem;
  }

  #settle(): void {
    for (const message of this.messages) message.streaming = false;
  }
}

/** The count in the agent's words or in those of AG-UI; null where nothing was counted. */
export function usageOf(given: unknown): Usage | null {
  if (!isJson(given)) return null;
  const input = Number(given.input_tokens ?? given.inputTokens ?? 0);
  const output = Number(given.output_tokens ?? given.outputTokens ?? 0);
  if (!Number.isFinite(input + output) || input + output <= 0) return null;
  return {
    model: typeof given.model === 'string' ? given.model : '',
    input,
    cached: Number(given.cached_tokens ?? 0) || 0,
    output,
    micro: typeof given.micro === 'number' ? given.micro : null,
    currency: typeof given.currency === 'string' ? given.currency : '',
    estimated: given.estimated === true
  };
}

/** What an event says of the model behind an answer. */
function routeNote(value: Record<string, unknown>): RouteNote {
  const list = (given: unknown): string[] => (Array.isArray(given) ? given.map(String) : []);
  return {
    model: String(value.model ?? ''),
    local: value.local === true,
    because: list(value.because),
    withheld: list(value.withheld),
    redacted: list(value.redacted)
  };
}

const STATES = new Set<CallState>(['proposed', 'waiting', 'running', 'done', 'failed', 'denied', 'unknown']);

const isJson = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function argumentsOf(given: string): Record<string, unknown> {
  const value = parsed(given || '{}');
  return isJson(value) ? value : { text: given };
}
