import { redirect } from '@sveltejs/kit';
import { api } from '$lib/api/client';
import { session } from '$lib/session.svelte';

/** Nothing of the app is shown without a session: the login (or the set-up, where there is no owner) comes first. */
export async function load({ url }: { url: URL }): Promise<void> {
  if (session.current || (await session.load())) return;
  const setup = await api.setupState().catch(() => null);
  if (setup?.state === 'open') redirect(307, '/setup');
  const path = url.pathname + url.search;
  redirect(307, path === '/' ? '/login' : `/login?next=${encodeURIComponent(path)}`);
}
