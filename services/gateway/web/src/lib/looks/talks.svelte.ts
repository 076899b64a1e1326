import { api } from '$lib/api/client';
import { type Problem, problemFrom } from '$lib/api/problem';
import type { SearchHit } from '$lib/api/types';

/** What was said in one's conversations, as a source beside those that are connected; a late answer is left out. */
export class Talks {
  state = $state<'idle' | 'asking' | 'found' | 'failed'>('idle');
  hits = $state.raw<SearchHit[]>([]);
  hasMore = $state(false);
  problem = $state.raw<Problem | null>(null);
  #round = 0;

  /** Looks for messages with all these words. */
  async ask(words: string): Promise<void> {
    this.clear();
    const round = this.#round;
    this.state = 'asking';
    try {
      const { hits, next } = await api.search(words);
      if (round !== this.#round) return;
      [this.hits, this.hasMore, this.state] = [hits, next !== null, 'found'];
    } catch (thrown) {
      if (round === this.#round) [this.problem, this.state] = [problemFrom(thrown), 'failed'];
    }
  }

  /** Leaves everything out. */
  clear(): void {
    this.#round += 1;
    [this.state, this.hits, this.hasMore, this.problem] = ['idle', [], false, null];
  }
}
