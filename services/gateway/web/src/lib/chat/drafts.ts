/** What a person was typing, per conversation, on this device: over a reload and a new sign-in, until it is sent or he signs out. */
export class Drafts {
  readonly #prefix: string;

  /** Those of `user`; what others left behind on this device goes. */
  constructor(user: string) {
    this.#prefix = `${PREFIX}${user}:`;
    forget((key) => !key.startsWith(this.#prefix));
  }

  read(conversation: string): string {
    const key = this.#prefix + conversation;
    return held.get(key) ?? stored((place) => place.getItem(key)) ?? '';
  }

  write(conversation: string, text: string): void {
    const key = this.#prefix + conversation;
    if (text) held.set(key, text);
    else held.delete(key);
    stored((place) => (text && text.length <= MOST ? place.setItem(key, text) : place.removeItem(key)));
  }
}

/** Forgets what was typed in every conversation, or in one that is gone. */
export function forgetDrafts(conversation: string | null = null): void {
  forget((key) => conversation === null || key.endsWith(`:${conversation}`));
}

const PREFIX = 'draft:';
/** Characters; a browser keeps some megabytes for a site, and a longer draft lives as long as its window. */
const MOST = 100_000;
const held = new Map<string, string>();

function forget(goes: (key: string) => boolean): void {
  for (const key of [...held.keys()]) if (goes(key)) held.delete(key);
  stored((place) => {
    const keys = Array.from({ length: place.length }, (_, at) => place.key(at) ?? '');
    for (const key of keys) if (key.startsWith(PREFIX) && goes(key)) place.removeItem(key);
  });
}

/** Null where a browser lets nothing be stored, or no more. */
function stored<Found>(act: (place: Storage) => Found): Found | null {
  try {
    return act(localStorage);
  } catch {
    return null;
  }
}
