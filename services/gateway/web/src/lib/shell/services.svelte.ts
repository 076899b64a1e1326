import { api } from '$lib/api/client';

/** What services are called; fetched once, when a screen first asks. */
class Services {
  #names = $state.raw<Record<string, string>>({});
  #asked = false;

  /** The name of a connector, or its id until the name is known. */
  name(id: string): string {
    return this.#names[id] ?? id;
  }

  /** All names by id. */
  get names(): Readonly<Record<string, string>> {
    return this.#names;
  }

  /** Fetches the names, once; where that fails the next screen asks again. */
  async load(): Promise<void> {
    if (this.#asked) return;
    this.#asked = true;
    try {
      this.#names = Object.fromEntries((await api.connectors()).map((each) => [each.id, each.name]));
    } catch {
      this.#asked = false;
    }
  }
}

export const services = new Services();
