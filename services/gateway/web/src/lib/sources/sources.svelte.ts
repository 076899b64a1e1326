import { api } from '$lib/api/client';
import type { LookSource } from '$lib/api/types';
import type { Transcript } from '$lib/chat/transcript.svelte';
import type { Origin } from '$lib/looks/asked.svelte';
import Peek from '$lib/looks/Peek.svelte';
import { type Found, foundIn } from './found';
import SourceRow from './SourceRow.svelte';

/** What the answers of a conversation rest on, and which of it is looked at beside it. */
export class Sources {
  readonly Row = SourceRow;
  readonly Peek = Peek;
  chosen = $state.raw<Origin | null>(null);
  #accounts = $state.raw<LookSource[]>([]);
  #found = $derived.by((): Found => foundIn(this.transcript.messages, this.#accounts));

  constructor(readonly transcript: Transcript) {}

  get found(): Found {
    return this.#found;
  }

  /** Fetches whom one can ask; without it there are no sources, and the conversation stands as it is. */
  async load(): Promise<void> {
    try {
      this.#accounts = await api.lookSources('find');
    } catch {
      this.#accounts = [];
    }
  }
}
