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

/** A page as the server gave it: the records before `after`, from the newest where that is null. */
interface LedgerPage {
  after: number | null;
  entries: LedgerEntry[];
}

/** The most records that are kept and shown at once: of a long ledger what is looked at, and not all that was gone through. */
const MOST = 8 * PAGE;

/** A window on the ledger: newest first, older pages on demand. The server does the filtering. */
export class LedgerPages {
  #pages = $state.raw<LedgerPage[]>([]);
  /** Where the pages begin that were gone through and let go, newest first. */
  #above = $state.raw<(number | null)[]>([]);
  readonly entries = $derived(this.#pages.flatMap((page) => page.entries));
  head = $state.raw<TreeHead | null>(null);
  problem = $state.raw<Problem | null>(null);
  filter = $state.raw<Filter>(EVERYTHING);
  loaded = $state(false);
  loading = $state(false);
  next = $state<number | null>(null);

  /** Whether there are newer records than those shown, and whether the next step leads to the very newest. */
  get newerThanShown(): 'none' | 'page' | 'newest' {
    if (!this.#above.length) return 'none';
    return this.#above.at(-1) === null ? 'newest' : 'page';
  }

  get isFiltered(): boolean {
    return this.filter.action !== '' || this.filter.connector !== '' || this.filter.search !== '';
  }

  /** Reads anew, only what fits the filter. */
  async choose(filter: Filter): Promise<void> {
    this.filter = filter;
    this.loading = true;
    await this.#read(null, (entries, next) => this.#replace(entries, next));
    await this.#lookFurther(filter, PAGE - this.entries.length);
    if (filter === this.filter) this.loading = false;
  }

  /** Takes in what is new; where more is new than one page holds, it begins again from there. */
  async refresh(): Promise<void> {
    if (this.filter.search && this.loaded && !this.problem) return; // what was found stays until something else is looked for
    await this.#read(null, (entries, next) => {
      if (this.#above.length) return;
      const newest = this.entries[0]?.index ?? -1;
      const isJoined = entries.some((entry) => entry.index <= newest);
      if (!isJoined) return this.#replace(entries, next);
      const [first, ...rest] = this.#pages;
      const fresh = entries.filter((entry) => entry.index > newest);
      this.#pages = [{ after: null, entries: [...fresh, ...(first?.entries ?? [])] }, ...rest];
      this.#letGoBelow();
    });
  }

  /** Adds the next older page. */
  async older(): Promise<void> {
    if (this.next === null) return;
    const filter = this.filter;
    this.loading = true;
    const added = await this.#append();
    await this.#lookFurther(filter, PAGE - added);
    if (filter === this.filter) this.loading = false;
  }

  /** Adds the next newer page again; goes to the newest where that is the next. */
  async newer(): Promise<void> {
    const after = this.#above.at(-1) ?? null;
    if (after === null) return this.choose(this.filter);
    this.loading = true;
    await this.#read(after, (entries) => {
      this.#above = this.#above.slice(0, -1);
      this.#pages = [{ after, entries }, ...this.#pages];
      this.#letGoBelow();
    });
    this.loading = false;
  }

  /** Reads the page after the last one; the number of records that it added. */
  async #append(): Promise<number> {
    const after = this.next;
    let added = 0;
    await this.#read(after, (entries, next) => {
      const oldest = this.entries.at(-1)?.index ?? Number.POSITIVE_INFINITY;
      const fresh = entries.filter((entry) => entry.index < oldest);
      added = fresh.length;
      if (fresh.length) this.#pages = [...this.#pages, { after, entries: fresh }];
      this.next = fresh.length || this.filter.search ? next : null;
      this.#letGoAbove();
    });
    return added;
  }

  #letGoAbove(): void {
    while (this.entries.length > MOST && this.#pages.length > 1) {
      this.#above = [...this.#above, this.#pages[0]?.after ?? null];
      this.#pages = this.#pages.slice(1);
    }
  }

  #letGoBelow(): void {
    while (this.entries.length > MOST && this.#pages.length > 1) {
      this.next = this.#pages.at(-1)?.after ?? null;
      this.#pages = this.#pages.slice(0, -1);
    }
  }

  /** Goes on with a search that has looked at a part without filling a page, to the end of the ledger if need be. */
  async #lookFurther(filter: Filter, missing: number): Promise<void> {
    for (let left = missing; filter.search && filter === this.filter && this.next !== null && left > 0 && !this.problem; )
      left -= await this.#append();
  }

  /** Goes to a record, without a filter; false where it is not one of this person's. */
  async reach(index: number): Promise<boolean> {
    if (this.isFiltered) await this.choose(EVERYTHING);
    const isShown = (): boolean => this.entries.some((entry) => entry.index === index);
    if (isShown()) return true;
    await this.#read(index + 1 + PAGE / 2, (entries, next) => {
      if (!entries.some((entry) => entry.index === index)) return;
      this.#pages = [{ after: index + 1 + PAGE / 2, entries }];
      this.#above = [null];
      this.next = next;
    });
    return isShown();
  }

  #replace(entries: LedgerEntry[], next: number | null): void {
    this.#pages = [{ after: null, entries }];
    this.#above = [];
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
