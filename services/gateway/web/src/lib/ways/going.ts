import { api } from '$lib/api/client';

/** The sign-in that this window began: the key that it has to show again, and where to go then. `ofAge`: the word of
 * somebody new that he is old enough, given before this one was begun. */
const KEPT = 'oa-entering';

export interface Kept {
  key: string;
  provider: string;
  next: string | null;
  ofAge: boolean;
}

/** Goes to a provider to sign in there. */
export async function leave(provider: string, next: string | null, ofAge = false): Promise<void> {
  const going = await api.enter(provider);
  sessionStorage.setItem(KEPT, JSON.stringify({ key: going.key, provider, next, ofAge } satisfies Kept));
  location.assign(going.url);
}

/** What this window kept when it left, once; null where it did not begin a sign-in. */
export function kept(): Kept | null {
  const found = sessionStorage.getItem(KEPT);
  sessionStorage.removeItem(KEPT);
  return found ? (JSON.parse(found) as Kept) : null;
}

/** What a sign-in was begun for, by the state that came back with it; the server does not rely on it. */
export function purposeOf(address: URL): string {
  return (address.searchParams.get('state') ?? '').split('.')[0] ?? '';
}

/** The channel on which the window of a second sign-in tells the one that opened it. */
export function channelOf(address: URL): BroadcastChannel {
  return new BroadcastChannel(`oa-again-${address.searchParams.get('state') ?? ''}`);
}
