/** What was searched for last, on this device alone: the server is not told, and another browser does not know. */

const KEY = 'recent-searches';
const MOST = 8;

/** The newest first; none where the browser keeps nothing. */
export function recent(): string[] {
  const found = kept((place) => JSON.parse(place.getItem(KEY) ?? '[]') as unknown);
  return Array.isArray(found) ? found.filter((each) => typeof each === 'string').slice(0, MOST) : [];
}

/** Puts one in front; the list as it is then. */
export function remember(text: string): string[] {
  const list = [text, ...recent().filter((each) => each !== text)].slice(0, MOST);
  kept((place) => place.setItem(KEY, JSON.stringify(list)));
  return list;
}

export function forgetAll(): string[] {
  kept((place) => place.removeItem(KEY));
  return [];
}

function kept<Found>(act: (place: Storage) => Found): Found | null {
  try {
    return act(localStorage);
  } catch {
    return null;
  }
}
