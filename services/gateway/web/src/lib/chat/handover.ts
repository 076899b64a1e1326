import type { GivenFile } from '$lib/api/types';

export interface First {
  text: string;
  files: readonly GivenFile[];
}

/** The first message of a conversation that was just made, on its way from the empty chat to the conversation's page. */
const first = new Map<string, First>();

const key = (conversation: string): string => `first:${conversation}`;

export const handOver = (conversation: string, message: First): void => void first.set(conversation, message);

/** Takes the message, once. */
export function takeOver(conversation: string): First | null {
  const message = first.get(conversation) ?? read(stored((place) => place.getItem(key(conversation))));
  first.delete(conversation);
  stored((place) => place.removeItem(key(conversation)));
  return message;
}

function read(kept: string | null): First | null {
  try {
    return kept ? (JSON.parse(kept) as First) : null;
  } catch {
    return null;
  }
}

/** Keeps what is on its way over the page being loaded anew, and only then: a browser may write it to its disk. */
export function keepOver(): void {
  for (const [conversation, message] of first) stored((place) => place.setItem(key(conversation), JSON.stringify(message)));
}

/** Null where a browser lets nothing be stored. */
function stored<Found>(act: (place: Storage) => Found): Found | null {
  try {
    return act(sessionStorage);
  } catch {
    return null;
  }
}
