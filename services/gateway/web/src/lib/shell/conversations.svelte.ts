import { api } from '$lib/api/client';
import type { Conversation, ConversationChange, Label } from '$lib/api/types';
import { forgetDrafts } from '$lib/chat/drafts';

const PAGE = 50;

/** The list in the side bar, without the archive. Kept fresh by whoever changes a conversation, and now and then for other windows. */
class ConversationList {
  items = $state.raw<Conversation[]>([]);
  labels = $state.raw<Label[]>([]);
  loaded = $state(false);
  pending = $state(0);
  /** Calls that nobody can tell the outcome of. */
  doubts = $state(0);
  /** Where the page of older ones begins; null where all are here. */
  next = $state<string | null>(null);
  #label = $state('');
  #refreshing: Promise<void> | null = null;
  #again = false;

  /** Only those that bear it are listed; all of them with none. */
  get label(): string {
    return this.#label;
  }

  set label(label: string) {
    this.#label = label;
    this.items = [];
    this.next = null;
    void this.refresh();
  }

  /** Fetches the list; calls while one is under way are answered by one more. */
  async refresh(): Promise<void> {
    if (this.#refreshing) {
      this.#again = true;
      return this.#refreshing;
    }
    this.#refreshing = this.#fetch();
    await this.#refreshing;
    this.#refreshing = null;
    if (this.#again) {
      this.#again = false;
      await this.refresh();
    }
  }

  /** Fetches older ones. */
  async more(): Promise<void> {
    if (this.next === null) return;
    const label = this.#label;
    const page = await api.conversationPage({ ...this.#filter, pinned: false, limit: PAGE, after: this.next });
    if (label !== this.#label) return;
    this.items = merged(this.items, page.items);
    this.next = page.next;
  }

  /** Changes one, here at once and then where it is kept; throws a `Problem`, and then it is here as it was. */
  async change(item: Conversation, change: ConversationChange, then: (changed: Conversation) => void = () => {}): Promise<void> {
    const before = this.items;
    this.#take({ ...item, ...shownAtOnce(change) });
    try {
      const changed = await api.changeConversation(item.id, change);
      this.#take(changed);
      then(changed);
    } catch (thrown) {
      this.items = before;
      throw thrown;
    }
    void this.refresh();
  }

  /** Takes one out, after it was deleted, with what was being typed in it. */
  remove(id: string): void {
    forgetDrafts(id);
    this.items = this.items.filter((item) => item.id !== id);
  }

  get #filter(): { archived: false; label?: string } {
    return { archived: false, ...(this.#label && { label: this.#label }) };
  }

  #take(changed: Conversation): void {
    if (changed.archived) return this.remove(changed.id);
    this.items = this.items.map((item) => (item.id === changed.id ? changed : item));
  }

  async #fetch(): Promise<void> {
    const label = this.#label;
    try {
      const [pinned, newest, labels, pending, doubts] = await Promise.all([
        api.conversationPage({ ...this.#filter, pinned: true }),
        api.conversationPage({ ...this.#filter, pinned: false, limit: PAGE }),
        api.labels(),
        api.approvals(),
        api.outcomes().catch(() => null)
      ]);
      this.pending = pending.length;
      if (doubts) this.doubts = doubts.calls.length;
      this.labels = labels;
      if (label === this.#label) this.#put(pinned.items, newest.items, newest.next);
      this.loaded = true;
    } catch {
      // The list that was there stays; the next refresh, or the page's own error, says more.
    }
  }

  /** The first page anew; of those before it what is older than the page stays. */
  #put(pinned: Conversation[], newest: Conversation[], next: string | null): void {
    const last = newest.at(-1)?.updated_at ?? '';
    const older = next === null ? [] : this.items.filter((item) => !item.pinned && item.updated_at < last);
    if (!older.length) this.next = next;
    this.items = merged([...pinned, ...newest], older);
  }
}

/** Each once, the earlier list before the later one. */
function merged(first: readonly Conversation[], then: readonly Conversation[]): Conversation[] {
  const known = new Set(first.map((item) => item.id));
  return [...first, ...then.filter((item) => !known.has(item.id))];
}

/** What is known without asking: not the title of the first words, and not how labels are written in the end. */
const shownAtOnce = ({ title, pinned, archived }: ConversationChange): Partial<Conversation> => ({
  ...(title && { title }),
  ...(pinned !== undefined && pinned !== null && { pinned }),
  ...(archived !== undefined && archived !== null && { archived })
});

export const conversations = new ConversationList();
