import { api } from '$lib/api/client';
import type { Command, LookSource } from '$lib/api/types';

/** What can be done without a model, as the server lists it for the accounts that are connected now. */
class Commands {
  items = $state.raw<Command[]>([]);
  loaded = $state(false);
  #sources = $state.raw<Record<string, LookSource[]>>({});

  /** Fetches the list; where that fails the one that was there stays. */
  async refresh(): Promise<void> {
    try {
      this.items = await api.commands();
      this.loaded = true;
    } catch {
      // The composer works without; whoever opens the menu asks again.
    }
  }

  /** The command of that name, or null. */
  find(name: string): Command | null {
    return this.items.find((each) => each.name === name) ?? null;
  }

  /** Finds out who can be asked for one thing of a command's answer; without it they are read where they stand. */
  async look(name: string): Promise<void> {
    if (name in this.#sources) return;
    this.#sources = { ...this.#sources, [name]: [] };
    try {
      const found = await api.lookSources(name);
      this.#sources = { ...this.#sources, [name]: found.filter((each) => each.key !== null) };
    } catch {
      const { [name]: _, ...others } = this.#sources;
      this.#sources = others;
    }
  }

  /** Who can be asked so, as far as is known. */
  sources(name: string): LookSource[] {
    return this.#sources[name] ?? [];
  }

  /** What an account is called; empty where it is not known. */
  account(id: string | null): string {
    return this.items.flatMap((each) => each.accounts).find((each) => each.id === id)?.name ?? '';
  }
}

export const commands = new Commands();
