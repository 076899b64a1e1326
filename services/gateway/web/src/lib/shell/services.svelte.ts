import { api } from '$lib/api/client';

/** What services are called, what their tools do, and which acts can be taken back; fetched once, when first asked for. */
class Services {
  #names = $state.raw<Record<string, string>>({});
  #undoable = $state.raw<ReadonlySet<string>>(new Set());
  #whats = $state.raw<Record<string, string>>({});
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

  /** What a tool does, in the words of its card; empty until they are known. */
  what(id: string, tool: string): string {
    return this.#whats[`${id} ${tool}`] ?? '';
  }

  /** Fetches them, once; where that fails the next screen asks again. */
  async load(): Promise<void> {
    if (this.#asked) return;
    this.#asked = true;
    try {
      const known = await api.connectors();
      this.#names = Object.fromEntries(known.map((each) => [each.id, each.name]));
      const tools = known.flatMap((each) => each.tools.map((tool) => ({ ...tool, key: `${each.id} ${tool.name}` })));
      this.#undoable = new Set(tools.filter((tool) => tool.undo).map((tool) => tool.key));
      this.#whats = Object.fromEntries(tools.map((tool) => [tool.key, tool.description.split('\n')[0] ?? '']));
    } catch {
      this.#asked = false;
    }
  }
}

export const services = new Services();
