import { api } from '$lib/api/client';
import type { Receipt } from '$lib/api/types';
import { type Deed, claimed } from './claims';

const SOON = 120;
const MOST_TRIES = 8;

/** States in which something was done, or may have been. */
const ACTED = new Set<Receipt['state']>(['running', 'done', 'unknown', 'confirmed']);

/** Whether what was done bears out the claim of a deed: a sending needs one, anything else that something was done. */
const bears = ({ effect }: Receipt, deed: Deed): boolean => deed !== 'send' || effect === 'send' || effect === 'delete';

/** What was done in a conversation, as the ledger tells it; read anew whenever something may have been done. */
export class Receipts {
  items = $state.raw<Receipt[]>([]);
  /** current: read since the last change; stale: something happened since; away: it cannot be read. */
  state = $state<'stale' | 'current' | 'away'>('stale');

  readonly #conversation: string;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #reads = 0;
  #closed = false;

  constructor(conversation: string) {
    this.#conversation = conversation;
  }

  /** What was read no longer counts; reads again soon. */
  outdate(): void {
    this.state = 'stale';
    this.#soon(SOON, 0);
  }

  close(): void {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  /** Those of each turn. */
  readonly byTurn = $derived(groupedByTurn(this.items));

  /** Those that belong to no turn among `shown`, which must not go unseen. */
  others(shown: ReadonlySet<string>): Receipt[] {
    return this.items.filter((each) => !shown.has(each.turn ?? ''));
  }

  #soon(wait: number, tries: number): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#read(tries), wait);
  }

  /** Reads; what is under way, or could not be read, is asked for a few times more. */
  async #read(tries: number): Promise<void> {
    const read = ++this.#reads;
    try {
      const items = await api.receipts(this.#conversation);
      if (read !== this.#reads || this.#closed) return;
      this.items = items;
      this.state = 'current';
      if (!items.some((each) => each.state === 'running')) return;
    } catch {
      if (read !== this.#reads || this.#closed) return;
      this.state = 'away';
    }
    if (tries < MOST_TRIES) this.#soon(SOON * 2 ** tries, tries + 1);
  }
}

function groupedByTurn(items: readonly Receipt[]): Map<string, Receipt[]> {
  const turns = new Map<string, Receipt[]>();
  for (const each of items) {
    const turn = each.turn ?? '';
    turns.set(turn, [...(turns.get(turn) ?? []), each]);
  }
  return turns;
}

/** What a text says was done and no receipt bears out; null where it claims nothing, or rightly. */
export function unfounded(text: string, receipts: readonly Receipt[]): Deed | null {
  const acted = receipts.filter((each) => ACTED.has(each.state));
  return claimed(text).find((deed) => !acted.some((each) => bears(each, deed))) ?? null;
}
