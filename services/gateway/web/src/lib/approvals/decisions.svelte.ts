import { api } from '$lib/api/client';
import { type Problem, problemFrom } from '$lib/api/problem';
import type { Approval } from '$lib/api/types';
import { CallItem } from '$lib/chat/transcript.svelte';
import { conversations } from '$lib/shell/conversations.svelte';

/** What waits for its owner, looked at outside of its conversation: all of it, or the one that an address names. */
export class Decisions {
  /** What was decided here stays until the page is left, with its outcome. */
  items = $state.raw<CallItem[] | null>(null);
  problem = $state.raw<Problem | null>(null);
  /** How often something was decided here. */
  count = $state(0);

  readonly #only: string | null;

  constructor(only: string | null = null) {
    this.#only = only;
  }

  /** Asks again; what was decided elsewhere is seen to be. */
  load = async (): Promise<void> => {
    try {
      if (this.#only) await this.#loadOne(this.#only);
      else await this.#loadAll();
      this.problem = null;
    } catch (thrown) {
      this.problem = problemFrom(thrown);
    }
  };

  /** Those of one answer together, in the order in which the first of each waits. */
  groups(): CallItem[][] {
    const found = new Map<string, CallItem[]>();
    for (const item of this.items ?? []) {
      const turn = item.approval?.turn ?? item.id;
      found.set(turn, [...(found.get(turn) ?? []), item]);
    }
    return [...found.values()];
  }

  reload = async (item: CallItem): Promise<void> => {
    if (item.approvalId) item.approval = await api.approval(item.approvalId);
  };

  decide = async (item: CallItem, decision: 'approve' | 'deny', note: string): Promise<Problem | null> => {
    if (!item.approvalId) return null;
    try {
      item.approval = await api.decide(item.approvalId, decision, note, item.approval?.preview_digest ?? null);
      this.count += 1;
      return null;
    } catch (thrown) {
      await this.reload(item).catch(() => undefined);
      return item.approval?.state === 'pending' ? problemFrom(thrown) : null;
    } finally {
      void conversations.refresh();
    }
  };

  async #loadAll(): Promise<void> {
    const pending = await api.approvals();
    const known = this.items ?? [];
    const fresh = pending.filter((approval) => !known.some((item) => item.approvalId === approval.id));
    if (fresh.length || this.items === null) this.items = [...known, ...fresh.map(itemOf)];
    await Promise.all(known.filter((item) => isGone(item, pending) || wasHeld(item)).map(this.reload));
  }

  async #loadOne(id: string): Promise<void> {
    const known = this.items?.[0];
    if (!known) this.items = [itemOf(await api.approval(id))];
    else if (known.approval?.state === 'pending' || wasHeld(known)) await this.reload(known);
  }
}

const isGone = (item: CallItem, pending: Approval[]): boolean =>
  item.approval?.state === 'pending' && !pending.some((approval) => approval.id === item.approvalId);

/** Whether what was held must have gone out by now. */
const wasHeld = ({ approval }: CallItem): boolean => Boolean(approval?.held_until && Date.parse(approval.held_until) < Date.now());

function itemOf(approval: Approval): CallItem {
  const item = new CallItem(approval.call_id, approval.tool);
  item.connector = approval.connector;
  item.effect = approval.effect;
  item.arguments = approval.arguments;
  item.approvalId = approval.id;
  item.approval = approval;
  return item;
}
