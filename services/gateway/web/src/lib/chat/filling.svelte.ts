/** Messages that are on the page at once when a conversation opens: more than the highest screen shows. */
export const FIRST = 20;
/** Messages that a pause of the page adds. */
const STEP = 8;

/**
 * How many of a list's last items are on the page: some at first, and in the pauses of the page the rest, so that a long
 * conversation opens at once and can soon be read, searched and heard to its beginning.
 */
export class Filling {
  #shown = $state(FIRST);
  #pause: (() => void) | null = null;

  /** The index of the first item on the page, of `count`. */
  from(count: number): number {
    return Math.max(0, count - this.#shown);
  }

  /** Adds some of what is not on the page yet, of `count`, with the next pause; `add` does it. To be called again until all is there. */
  fill(count: number, add: (grow: () => void) => void): void {
    this.stop();
    if (this.#shown >= count) this.#shown = Number.POSITIVE_INFINITY;
    else this.#pause = soon(() => add(() => (this.#shown += STEP)));
  }

  /** Has the item at `index` of `count` on the page now, with all after it. */
  reach(index: number, count: number): void {
    this.#shown = Math.max(this.#shown, count - index);
  }

  stop(): void {
    this.#pause?.();
    this.#pause = null;
  }
}

/** Calls back when the page has nothing else to do; returns how to cancel. Safari knows no such pauses. */
export function soon(callback: () => void): () => void {
  if ('requestIdleCallback' in globalThis) {
    const asked = requestIdleCallback(callback, { timeout: 2_000 });
    return () => cancelIdleCallback(asked);
  }
  const timer = setTimeout(callback, 60);
  return () => clearTimeout(timer);
}
