import { redirect } from '@sveltejs/kit';
import { api } from '$lib/api/client';
import { session } from '$lib/session.svelte';
import { underOtherName } from '$lib/signin/provider';

/** Nothing of the app is shown without a session: the login (or the set-up, where there is no owner) comes first. */
export async function load({ url }: { url: URL }): Promise<void> {
  if (session.current || (await session.load())) return;
  const there = underOtherName(url);
  if (there) return leave(there);
  const setup = await api.setupState().catch(() => null);
  if (setup?.state === 'open') redirect(307, '/setup');
  const path = url.pathname + url.search;
  redirect(307, path === '/' ? '/login' : `/login?next=${encodeURIComponent(path)}`);
}

/** For good, and without a trace of this address in the history. */
function leave(there: string): Promise<void> {
  location.replace(there);
  return new Promise(() => undefined);
}
