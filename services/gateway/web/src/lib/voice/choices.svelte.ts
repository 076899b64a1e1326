/** What a person wants of the voice on this device; nothing of it until he says so. */
export type Part = 'reads' | 'writes';

const KEY = 'voice';

class Choices {
  #on = $state.raw<ReadonlySet<Part>>(new Set(kept()));

  /** Whether answers can be read aloud. */
  get reads(): boolean {
    return this.#on.has('reads');
  }

  /** Whether messages can be spoken. */
  get writes(): boolean {
    return this.#on.has('writes');
  }

  set(part: Part, on: boolean): void {
    const rest = [...this.#on].filter((each) => each !== part);
    this.#on = new Set(on ? [...rest, part] : rest);
    try {
      if (this.#on.size) localStorage.setItem(KEY, [...this.#on].join(' '));
      else localStorage.removeItem(KEY);
    } catch {
      // Storage is refused: the choice holds until the page is closed.
    }
  }
}

function kept(): Part[] {
  try {
    return (localStorage.getItem(KEY) ?? '').split(' ').filter((each) => each === 'reads' || each === 'writes');
  } catch {
    return [];
  }
}

export const voice = new Choices();
