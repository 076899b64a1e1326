import { api } from '$lib/api/client';
import type { Conversation } from '$lib/api/types';

/** The list in the side bar. Kept fresh by whoever changes a conversation, and now and then for other windows. */
class ConversationList {
  items = $state.raw<Conversation[]>([]);
  loaded = $state(false);
  pending = $state(0);
  /** Calls that nobody can tell the outcome of. */
  doubts = $state(0);
  #refreshing: Promise<void> | null = null;
  #again = false;

  /** Fetches the list; calls while one is under way are answered by one more. */
  async refresh(): Promise<void> {
    if (this.#refreshing) {
      this.#again = true;
      return this.#refreshing;
    }
    this.#refreshing = this.#fetch();
    await this.#refreshing;
    this.#refreshing = null;
    if (this.#again) {
      this.#again = false;
      await this.refresh();
    }
  }

  /** Takes one out, after it was deleted. */
  remove(id: string): void {
    this.items = this.items.filter((item) => item.id !== id);
  }

  async #fetch(): Promise<void> {
    try {
      const [items, pending, doubts] = await Promise.all([api.conversations(), api.approvals(), api.outcomes().catch(() => null)]);
      this.items = items;
      this.pending = pending.length;
      if (doubts) this.doubts = doubts.calls.length;
      this.loaded = true;
    } catch {
      // The list that was there stays; the next refresh, or the page's own error, says more.
    }
  }
}

export const conversations = new ConversationList();
