import type { CallView, LookSource } from '$lib/api/types';
import type { CallItem, MessageItem } from '$lib/chat/transcript.svelte';
import { type Row, rowOf } from '$lib/commands/results';

/** One thing that an answer may rest on: it stood in the result of a call, and its account can be asked for it. */
export interface Source {
  /** Connector, account and key: the same thing is the same source wherever it was found. */
  id: string;
  row: Row;
  source: LookSource;
}

/** What was found in a conversation. */
export interface Found {
  /** By what the model may name it: the key under which it stood in a result. */
  byKey: ReadonlyMap<string, Source>;
  /** Of each turn, what was read closely first: what a call gave back alone, then what stood in lists. */
  byTurn: ReadonlyMap<string, Source[]>;
}

type Json = Record<string, unknown>;

const DEEPEST = 4;
/** So many things of one result count: nobody looks through more under an answer. */
const MOST = 100;
const DONE: CallView['state'] = 'done';

const read = new WeakMap<object, { source: LookSource; things: Source[] }>();

/** The sources in the calls of these messages, out of their results alone and as the connectors' cards say. */
export function foundIn(messages: readonly MessageItem[], accounts: readonly LookSource[]): Found {
  const byKey = new Map<string, Source>();
  const calls = new Map<string, Source[][]>();
  for (const { turn, calls: made } of messages) {
    for (const call of made) {
      const things = thingsOf(call, accounts);
      if (!things.length) continue;
      for (const each of things) byKey.set(each.row.key, each);
      calls.set(turn, [...(calls.get(turn) ?? []), things]);
    }
  }
  const byTurn = new Map([...calls].map(([turn, lists]) => [turn, inOrder(lists)]));
  return { byKey, byTurn };
}

/** Each once, the shortest lists first. */
function inOrder(lists: readonly Source[][]): Source[] {
  const all = lists.toSorted((one, other) => one.length - other.length).flat();
  return [...new Map(all.map((each) => [each.id, each])).values()];
}

function thingsOf(call: CallItem, accounts: readonly LookSource[]): Source[] {
  if (call.state !== DONE || call.effect !== 'read' || typeof call.result !== 'object' || !call.result) return [];
  const source = accountOf(call, accounts);
  const key = source?.found_in[call.tool];
  if (!source || !key) return [];
  const known = read.get(call.result);
  if (known?.source === source) return known.things;
  const things = thingsIn(call.content, key).map((row) => ({ id: `${source.connector} ${source.account ?? ''} ${row.key}`, row, source }));
  if (source.account === call.account) read.set(call.result, { source, things });
  return things;
}

/** The account that was asked; one that is gone by its connector's others, so that opening it says so. */
function accountOf({ connector, account }: CallItem, accounts: readonly LookSource[]): LookSource | null {
  const same = accounts.filter((each) => each.connector === connector);
  const found = same.find((each) => each.account === account);
  return found ?? (same[0] ? { ...same[0], account, account_name: '' } : null);
}

/** Whatever in a result has a title and something under `key`, however it is wrapped. */
export function thingsIn(content: unknown, key: string): Row[] {
  const found: Row[] = [];
  const walk = (value: unknown, depth: number): void => {
    if (depth > DEEPEST || found.length >= MOST || typeof value !== 'object' || value === null) return;
    const row = Array.isArray(value) ? null : rowOf(value as Json, key);
    if (row?.key && row.title) found.push(row);
    else for (const each of Object.values(value)) walk(each, depth + 1);
  };
  walk(content, 0);
  return found;
}
