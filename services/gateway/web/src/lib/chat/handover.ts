/** The first message of a conversation that was just made, on its way from the empty chat to the conversation's page. */
const first = new Map<string, string>();

const key = (conversation: string): string => `first:${conversation}`;

export const handOver = (conversation: string, text: string): void => void first.set(conversation, text);

/** Takes the message, once. */
export function takeOver(conversation: string): string | null {
  const text = first.get(conversation) ?? stored((place) => place.getItem(key(conversation)));
  first.delete(conversation);
  stored((place) => place.removeItem(key(conversation)));
  return text;
}

/** Keeps what is on its way over the page being loaded anew, and only then: a browser may write it to its disk. */
export function keepOver(): void {
  for (const [conversation, text] of first) stored((place) => place.setItem(key(conversation), text));
}

/** Null where a browser lets nothing be stored. */
function stored<Found>(act: (place: Storage) => Found): Found | null {
  try {
    return act(sessionStorage);
  } catch {
    return null;
  }
}
