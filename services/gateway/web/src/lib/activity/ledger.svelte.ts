import { api } from '$lib/api/client';
import { type Problem, problemFrom } from '$lib/api/problem';
import type { LedgerEntry, TreeHead } from '$lib/api/types';

const PAGE = 60;

/** The ledger as far as it was read: newest first, older pages on demand. */
export class LedgerPages {
  entries = $state.raw<LedgerEntry[]>([]);
  head = $state.raw<TreeHead | null>(null);
  problem = $state.raw<Problem | null>(null);
  loaded = $state(false);
  loading = $state(false);
  next = $state<number | null>(null);

  /** Takes in what is new; where more is new than one page holds, it begins again from there. */
  async refresh(): Promise<void> {
    await this.#read(null, (entries, next) => {
      const newest = this.entries[0]?.index ?? -1;
      const isJoined = entries.some((entry) => entry.index <= newest);
      if (!isJoined) {
        this.entries = entries;
        this.next = next;
      } else this.entries = [...entries.filter((entry) => entry.index > newest), ...this.entries];
    });
  }

  /** Adds the next older page. */
  async older(): Promise<void> {
    if (this.next === null) return;
    this.loading = true;
    await this.#read(this.next, (entries, next) => {
      const oldest = this.entries.at(-1)?.index ?? Number.POSITIVE_INFINITY;
      const fresh = entries.filter((entry) => entry.index < oldest);
      this.entries = [...this.entries, ...fresh];
      this.next = fresh.length ? next : null;
    });
    this.loading = false;
  }

  /** Reads on until the record is there; false where it is not one of this person's. */
  async reach(index: number): Promise<boolean> {
    while (this.next !== null && (this.entries.at(-1)?.index ?? 0) > index && !this.problem) await this.older();
    return this.entries.some((entry) => entry.index === index);
  }

  async #read(after: number | null, take: (entries: LedgerEntry[], next: number | null) => void): Promise<void> {
    try {
      const page = await api.ledger(after, PAGE);
      take([...page.entries].sort((left, right) => right.index - left.index), page.next);
      if (after === null) this.head = page.head;
      this.problem = null;
      this.loaded = true;
    } catch (thrown) {
      this.problem = problemFrom(thrown);
    }
  }
}
