import { goto } from '$app/navigation';
import { api } from '$lib/api/client';
import { type Problem, problemFrom } from '$lib/api/problem';
import type { GivenFile } from '$lib/api/types';
import { conversations } from '$lib/shell/conversations.svelte';
import { handOver } from './handover';

/** How a conversation begins: it is made with its first message or command, and then shown. */
export class Begin {
  problem = $state.raw<Problem | null>(null);
  /** Made for a command that was refused, and used by the next try. */
  #made: string | null = null;

  /** False where it was not taken. */
  send = async (text: string, files: readonly GivenFile[]): Promise<boolean> => {
    this.problem = null;
    try {
      const conversation = await api.newConversation();
      handOver(conversation.id, { text, files });
      await goto(`/c/${conversation.id}`);
      return true;
    } catch (thrown) {
      this.problem = problemFrom(thrown);
      return false;
    }
  };

  /** The problem where it was not taken. */
  run = (name: string, fields: Record<string, unknown>): Promise<Problem | null> =>
    this.with((conversation) => api.command(conversation, name, fields));

  /** What is begun in a conversation of its own; the problem where it was not taken. */
  async with(start: (conversation: string) => Promise<unknown>): Promise<Problem | null> {
    try {
      this.#made ??= (await api.newConversation()).id;
      await start(this.#made);
      const conversation = this.#made;
      this.#made = null;
      void conversations.refresh();
      await goto(`/c/${conversation}`);
      return null;
    } catch (thrown) {
      return problemFrom(thrown);
    }
  }
}
