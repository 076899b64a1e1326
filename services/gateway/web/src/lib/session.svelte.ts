import { goto } from '$app/navigation';
import { api, onSignedOut } from '$lib/api/client';
import { Problem } from '$lib/api/problem';
import type { Session } from '$lib/api/types';
import { forgetDrafts } from '$lib/chat/drafts';
import { forgetQueues } from '$lib/chat/queue.svelte';
import { forgetAll } from '$lib/looks/recent';
import { own } from '$lib/ways/own.svelte';

/** Who is signed in, as far as this page knows. */
class SessionState {
  current = $state.raw<Session | null>(null);

  /** Asks the server once; null means that nobody is signed in. Other failures are thrown. */
  async load(): Promise<Session | null> {
    try {
      this.current = await api.session();
    } catch (thrown) {
      if (!(thrown instanceof Problem) || thrown.status !== 401) throw thrown;
      this.current = null;
    }
    return this.current;
  }

  async signOut(): Promise<void> {
    await api.signOut();
    forgetAll();
    await this.over();
  }

  /** This session is over on the server. */
  async over(): Promise<void> {
    this.current = null;
    own.forget();
    forgetDrafts();
    forgetQueues();
    await goto('/login');
  }
}

export const session = new SessionState();

/** The path to go back to after a login: one of this site, never another. */
export function safePath(path: string | null): string {
  return path && /^\/(?![/\\])[^\\]*$/.test(path) && !path.startsWith('/login') ? path : '/';
}

onSignedOut(() => {
  session.current = null;
  const here = location.pathname + location.search;
  if (/^\/(login|setup|join|about)/.test(here)) return;
  void goto(`/login?expired=1&next=${encodeURIComponent(here)}`);
});
