import { api } from '$lib/api/client';
import { type Problem, problemFrom } from '$lib/api/problem';
import type { LookSource } from '$lib/api/types';
import { type Row, type Rows, rowsOf } from '$lib/commands/results';
import { here } from '$lib/language';

/** What one account answered, or that it did not. */
export interface Answer {
  source: LookSource;
  state: 'asking' | 'found' | 'failed';
  found: Rows | null;
  /** An answer of another shape than a list, as it is. */
  other: unknown;
  problem: Problem | null;
}

/** A row with the account that it comes from. */
export interface Origin {
  row: Row;
  source: LookSource;
}

/** One question to several accounts at once: each answers for itself, and a later question leaves earlier answers out. */
export class Asked {
  answers = $state.raw<Answer[]>([]);
  #round = 0;

  constructor(readonly command: string) {}

  get busy(): boolean {
    return this.answers.some((each) => each.state === 'asking');
  }

  /** What was found everywhere. */
  get rows(): Origin[] {
    return this.answers.flatMap(({ source, found }) => (found?.rows ?? []).map((row) => ({ row, source })));
  }

  /** Who did not answer. */
  get silent(): Answer[] {
    return this.answers.filter((each) => each.state === 'failed');
  }

  /** Asks all of them; returns when the last one has answered or failed. */
  async ask(sources: readonly LookSource[], fields: Record<string, unknown>): Promise<void> {
    const round = (this.#round += 1);
    this.answers = sources.map(asking);
    await Promise.all(sources.map((source) => this.#one(round, source, fields)));
  }

  /** Asks one of them again. */
  async again(source: LookSource, fields: Record<string, unknown>): Promise<void> {
    this.#put(this.#round, asking(source));
    await this.#one(this.#round, source, fields);
  }

  /** Leaves everything out. */
  clear(): void {
    this.#round += 1;
    this.answers = [];
  }

  async #one(round: number, source: LookSource, fields: Record<string, unknown>): Promise<void> {
    try {
      const { content } = await api.look(this.command, source, fields);
      const found = rowsOf(content, source.key);
      this.#put(round, { source, state: 'found', found, other: found ? null : content, problem: null });
    } catch (thrown) {
      this.#put(round, { source, state: 'failed', found: null, other: null, problem: problemFrom(thrown) });
    }
  }

  #put(round: number, answer: Answer): void {
    if (round !== this.#round) return;
    this.answers = this.answers.map((each) => (isSame(each.source, answer.source) ? answer : each));
  }
}

const asking = (source: LookSource): Answer => ({ source, state: 'asking', found: null, other: null, problem: null });
const isSame = (one: LookSource, other: LookSource): boolean => one.connector === other.connector && one.account === other.account;

/** "Mail · ada@home.example": whose it is. */
export const named = ({ name, account_name: account }: LookSource): string =>
  account && account !== name ? `${name} · ${account}` : name;

/** One of each kind of service by name: "Gmail and Notion". */
export const listed = (sources: readonly LookSource[]): string =>
  new Intl.ListFormat(here(), { type: 'conjunction' }).format([...new Set(sources.map((each) => each.name))]);
