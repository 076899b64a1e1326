import { api } from '$lib/api/client';

/** What services are called, and which of their acts can be taken back; fetched once, when a screen first asks. */
class Services {
  #names = $state.raw<Record<string, string>>({});
  #undoable = $state.raw<ReadonlySet<string>>(new Set());
  #asked = false;

  /** The name of a connector, or its id until the name is known. */
  name(id: string): string {
    return this.#names[id] ?? id;
  }

  /** All names by id. */
  get names(): Readonly<Record<string, string>> {
    return this.#names;
  }

  /** Whether what a tool did can be taken back. */
  undoable(id: string, tool: string): boolean {
    return this.#undoable.has(`${id} ${tool}`);
  }

  /** Fetches them, once; where that fails the next screen asks again. */
  async load(): Promise<void> {
    if (this.#asked) return;
    this.#asked = true;
    try {
      const known = await api.connectors();
      this.#names = Object.fromEntries(known.map((each) => [each.id, each.name]));
      this.#undoable = new Set(
        known.flatMap((each) => each.tools.filter((tool) => tool.undo).map((tool) => `${each.id} ${tool.name}`))
      );
    } catch {
      this.#asked = false;
    }
  }
}

export const services = new Services();
