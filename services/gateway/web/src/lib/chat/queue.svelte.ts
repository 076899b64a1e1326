/** A message that was typed while an answer came. */
export interface Queued {
  id: number;
  text: string;
}

/**
 * What is to be said when the answer ends, per conversation. It is kept in its window: over a change of page and a
 * reload, and not beyond. No other window sends it too, for what is on its way over a reload is stored for that only.
 */
export class Queue {
  items = $state.raw<readonly Queued[]>([]);
  /** Whether it waits for its owner: what it was to follow broke off, or was stopped, or it was refused. */
  isHeld = $state(false);
  readonly #key: string;

  constructor(user: string, conversation: string) {
    this.#key = `queue:${user}:${conversation}`;
    this.items = (waiting.get(this.#key) ?? taken(this.#key)).map((text, at) => ({ id: at + 1, text }));
    this.#keep();
  }

  add(text: string): void {
    this.#set([...this.items, { id: (this.items.at(-1)?.id ?? 0) + 1, text }]);
  }

  /** Takes one out; its text. */
  take(id: number): string {
    const text = this.items.find((each) => each.id === id)?.text ?? '';
    this.#set(this.items.filter((each) => each.id !== id));
    if (!this.items.length) this.isHeld = false;
    return text;
  }

  /** Puts one back to where it was, because it was not taken. */
  putBack(item: Queued): void {
    this.#set([item, ...this.items]);
    this.isHeld = true;
  }

  #set(items: readonly Queued[]): void {
    this.items = items;
    this.#keep();
  }

  #keep(): void {
    if (this.items.length) waiting.set(this.#key, this.items.map((each) => each.text));
    else waiting.delete(this.#key);
  }
}

/** Whether a queued message may go out: nothing runs, nothing waits for a decision, and nothing broke off before it. */
export const mayGo = (run: string, last: { error: unknown; stopped: boolean } | undefined, isHeld: boolean): boolean =>
  run === 'idle' && !isHeld && !last?.error && !last?.stopped;

/** Forgets what waits in every conversation. */
export function forgetQueues(): void {
  waiting.clear();
  stored((place) => {
    const keys = Array.from({ length: place.length }, (_, at) => place.key(at) ?? '');
    for (const key of keys) if (key.startsWith('queue:')) place.removeItem(key);
  });
}

/** Keeps what waits over the page being loaded anew, and only then: a window that is doubled must not send it as well. */
export function keepQueues(): void {
  for (const [key, texts] of waiting) stored((place) => place.setItem(key, JSON.stringify(texts)));
}

const waiting = new Map<string, string[]>();

/** What was kept under the key, once. */
function taken(key: string): string[] {
  const kept = stored((place) => place.getItem(key));
  stored((place) => place.removeItem(key));
  if (!kept) return [];
  try {
    const texts: unknown = JSON.parse(kept);
    return Array.isArray(texts) ? texts.filter((each): each is string => typeof each === 'string') : [];
  } catch {
    return [];
  }
}

/** Null where a browser lets nothing be stored. */
function stored<Found>(act: (place: Storage) => Found): Found | null {
  try {
    return act(sessionStorage);
  } catch {
    return null;
  }
}
