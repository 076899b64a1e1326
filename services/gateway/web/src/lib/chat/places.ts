import type { CallState, CommandNote, RouteNote } from '$lib/api/types';
import type { MessageItem, Usage } from './transcript.svelte';

/** Versions of a message, of which one is shown. */
export interface Choice {
  versions: readonly string[];
  /** Which of them is shown. */
  at: number;
}

/** What a message's place in its conversation says of it. */
export interface Place {
  /** What its owner said last, up to this message, cut to what fits beside a question. */
  asked: string;
  /** The command that it belongs to; null where a model answers. */
  command: CommandNote | null;
  /** What the messages of its turn took together; null where nothing was counted. */
  spent: Usage | null;
  /** What the model saw that went on after it in the same turn; null where none did, or not yet. */
  readBy: RouteNote | null;
  /** Whether the next message is its owner's. */
  endsTurn: boolean;
  /** The versions of what its owner said, or of the whole answer that it is in; null where there is but one. */
  choice: Choice | null;
}

const LONGEST = 240;

/** The places of all messages, in their order: two passes, so that a long conversation costs no more per message. */
export function placesOf(messages: readonly MessageItem[]): Place[] {
  const spent = spentByTurn(messages);
  const places: Place[] = [];
  let said: MessageItem | null = null;
  let choice: Choice | null = null;
  for (const [at, message] of messages.entries()) {
    if (message.role === 'user') said = message;
    if (message.role === 'user' || messages[at - 1]?.role === 'user') choice = null;
    choice ??= choiceOf(message);
    places.push({
      asked: said ? cut(said.text) : '',
      command: said?.command ?? null,
      spent: (message.turn && spent.get(message.turn)) || null,
      readBy: null,
      endsTurn: messages[at + 1]?.role === 'user',
      choice
    });
  }
  const later = new Map<string, RouteNote>();
  for (let at = messages.length - 1; at >= 0; at -= 1) {
    const [message, place] = [messages[at], places[at]];
    if (!message || !place) continue;
    place.readBy = later.get(message.turn) ?? null;
    if (message.role === 'assistant' && message.routed) later.set(message.turn, message.routed);
  }
  return places;
}

const choiceOf = ({ id, versions }: MessageItem): Choice | null =>
  versions.length > 1 ? { versions, at: versions.indexOf(id) } : null;

function spentByTurn(messages: readonly MessageItem[]): Map<string, Usage> {
  const sums = new Map<string, Usage>();
  for (const { role, turn, usage } of messages) {
    if (role !== 'assistant' || !turn || !usage) continue;
    const before = sums.get(turn);
    sums.set(turn, before ? together(before, usage) : usage);
  }
  return sums;
}

const together = (sum: Usage, each: Usage): Usage => ({
  ...sum,
  input: sum.input + each.input,
  cached: sum.cached + each.cached,
  output: sum.output + each.output,
  micro: sum.micro === null || each.micro === null ? null : sum.micro + each.micro,
  estimated: sum.estimated || each.estimated
});

const cut = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text);

/** The tool by which every connector takes back what another of its tools did. */
const UNDO_TOOL = 'actions_undo';

/** How taking each call back stands, by the call: the state of the last call that was to do it. */
export function takingBack(messages: readonly MessageItem[]): Map<string, CallState> {
  const tries = messages.flatMap((message) => message.calls.filter((call) => call.tool === UNDO_TOOL));
  return new Map(tries.map((call) => [String(call.arguments.action), call.state]));
}
