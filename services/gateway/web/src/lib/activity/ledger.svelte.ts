import { api } from '$lib/api/client';
import { type Problem, problemFrom } from '$lib/api/problem';
import type { LedgerEntry, TreeHead } from '$lib/api/types';

const PAGE = 60;

/** What of the ledger is wanted; an empty text stands for everything. */
export interface Filter {
  action: string;
  connector: string;
  search: string;
}

const EVERYTHING: Filter = { action: '', connector: '', search: '' };

/** The ledger as far as it was read: newest first, older pages on demand. The server does the filtering. */
export class LedgerPages {
  entries = $state.raw<LedgerEntry[]>([]);
  head = $state.raw<TreeHead | null>(null);
  problem = $state.raw<Problem | null>(null);
  filter = $state.raw<Filter>(EVERYTHING);
  loaded = $state(false);
  loading = $state(false);
  next = $state<number | null>(null);

  get isFiltered(): boolean {
    return this.filter.action !== '' || this.filter.connector !== '' || this.filter.search !== '';
  }

  /** Reads anew, only what fits the filter. */
  async choose(filter: Filter): Promise<void> {
    this.filter = filter;
    this.loading = true;
    await this.#read(null, (entries, next) => this.#replace(entries, next));
    await this.#lookFurther(filter, PAGE);
    if (filter === this.filter) this.loading = false;
  }

  /** Takes in what is new; where more is new than one page holds, it begins again from there. */
  async refresh(): Promise<void> {
    if (this.filter.search && this.loaded && !this.problem) return; // what was found stays until something else is looked for
    await this.#read(null, (entries, next) => {
      const newest = this.entries[0]?.index ?? -1;
      const isJoined = entries.some((entry) => entry.index <= newest);
      if (!isJoined) this.#replace(entries, next);
      else this.entries = [...entries.filter((entry) => entry.index > newest), ...this.entries];
    });
  }

  /** Adds the next older page. */
  async older(): Promise<void> {
    if (this.next === null) return;
    const filter = this.filter;
    const wanted = this.entries.length + PAGE;
    this.loading = true;
    await this.#append();
    await this.#lookFurther(filter, wanted);
    if (filter === this.filter) this.loading = false;
  }

  async #append(): Promise<void> {
    await this.#read(this.next, (entries, next) => {
      const oldest = this.entries.at(-1)?.index ?? Number.POSITIVE_INFINITY;
      const fresh = entries.filter((entry) => entry.index < oldest);
      this.entries = [...this.entries, ...fresh];
      this.next = fresh.length || this.filter.search ? next : null;
    });
  }

  /** Goes on with a search that has looked at a part without filling a page, to the end of the ledger if need be. */
  async #lookFurther(filter: Filter, wanted: number): Promise<void> {
    while (filter.search && filter === this.filter && this.next !== null && this.entries.length < wanted && !this.problem)
      await this.#append();
  }

  /** Reads on, without a filter, until the record is there; false where it is not one of this person's. */
  async reach(index: number): Promise<boolean> {
    if (this.isFiltered) await this.choose(EVERYTHING);
    while (this.next !== null && (this.entries.at(-1)?.index ?? 0) > index && !this.problem) await this.older();
    return this.entries.some((entry) => entry.index === index);
  }

  #replace(entries: LedgerEntry[], next: number | null): void {
    this.entries = entries;
    this.next = next;
  }

  /** Reads a page; an answer to a filter that no longer holds is dropped. */
  async #read(after: number | null, take: (entries: LedgerEntry[], next: number | null) => void): Promise<void> {
    const filter = this.filter;
    try {
      const page = await api.ledger(after, PAGE, filter);
      if (filter !== this.filter) return;
      take([...page.entries].sort((left, right) => right.index - left.index), page.next);
      if (after === null) this.head = page.head;
      this.problem = null;
      this.loaded = true;
    } catch (thrown) {
      if (filter === this.filter) this.problem = problemFrom(thrown);
    }
  }
}
