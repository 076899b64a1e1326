import { api } from '$lib/api/client';
import { type Problem, problemFrom } from '$lib/api/problem';
import type { Conversation, SearchHit } from '$lib/api/types';

const PAGE = 30;

export interface Sought {
  words: string;
  archived: boolean;
  label: string;
}

/** What the page that finds conversations shows: a list by pages, or what words found. An answer that comes too late is dropped. */
export class Find {
  items = $state.raw<Conversation[]>([]);
  hits = $state.raw<SearchHit[]>([]);
  busy = $state(false);
  ready = $state(false);
  problem = $state.raw<Problem | null>(null);
  #next = $state<string | number | null>(null);
  #sought: Sought = { words: '', archived: false, label: '' };
  #turn = 0;

  get hasMore(): boolean {
    return this.#next !== null;
  }

  /** Begins anew. */
  async look(sought: Sought): Promise<void> {
    this.#sought = sought;
    await this.#page(null);
  }

  async more(): Promise<void> {
    if (this.#next !== null && !this.busy) await this.#page(this.#next);
  }

  /** After one was changed, or deleted. */
  took(changed: Conversation | null, id: string): void {
    const leaves = !changed || (!this.#sought.words && changed.archived !== this.#sought.archived);
    this.items = leaves ? this.items.filter((item) => item.id !== id) : this.items.map((item) => (item.id === id ? changed : item));
    if (!changed) this.hits = this.hits.filter((hit) => hit.conversation !== id);
  }

  async #page(from: string | number | null): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    this.busy = true;
    try {
      const found = this.#sought.words ? await this.#search(from) : await this.#list(from);
      if (turn !== this.#turn) return;
      this.items = from === null ? found.items : [...this.items, ...found.items.filter((item) => !this.items.some((known) => known.id === item.id))];
      this.hits = from === null ? found.hits : [...this.hits, ...found.hits];
      this.#next = found.next;
      this.problem = null;
      this.ready = true;
    } catch (thrown) {
      if (turn === this.#turn) this.problem = problemFrom(thrown);
    } finally {
      if (turn === this.#turn) this.busy = false;
    }
  }

  async #search(from: string | number | null): Promise<{ items: Conversation[]; hits: SearchHit[]; next: number | null }> {
    const found = await api.search(this.#sought.words, typeof from === 'number' ? from : null, PAGE);
    return { items: found.conversations, hits: found.hits, next: found.next };
  }

  async #list(from: string | number | null): Promise<{ items: Conversation[]; hits: SearchHit[]; next: string | null }> {
    const { archived, label } = this.#sought;
    const page = await api.conversationPage({ archived, limit: PAGE, ...(label && { label }), ...(from !== null && { after: String(from) }) });
    return { items: page.items, hits: [], next: page.next };
  }
}
