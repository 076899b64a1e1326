import type { ClientInit, HandleClientError } from '@sveltejs/kit';
import { Problem } from '$lib/api/problem';
import { keepOver } from '$lib/chat/handover';
import { keepQueues } from '$lib/chat/queue.svelte';
import { begin } from '$lib/language';
import { words } from '$lib/words';

addEventListener('pagehide', keepQueues);

/** Before anything is shown. */
export const init: ClientInit = begin;

/** Says on the error page what the server said; a page whose script did not come is gone to once more by itself. */
export const handleError: HandleClientError = ({ error, event, message }) => {
  if (error instanceof Problem) return { message: error.message, ...(error.title ? { title: error.title } : {}) };
  if (!isLost(error)) return { message };
  if (mayReload()) loadAnew(event.url);
  return { title: words.errors.unreachableTitle, message: words.errors.pageUnreachable };
};

/** Whether a part of the page could not be fetched, in the words of Chromium, Firefox and Safari. */
const isLost = (error: unknown): boolean =>
  error instanceof TypeError && /dynamically imported module|module script failed/i.test(error.message);

/** Where it was to lead, which is not where the page is yet. */
function loadAnew(url: URL): void {
  keepOver();
  if (url.pathname + url.search === location.pathname + location.search) location.reload();
  else location.assign(url);
}

const CALM = 30_000;

/** Whether the last try is long enough ago that this one cannot be part of a circle. */
function mayReload(): boolean {
  try {
    const last = Number(sessionStorage.getItem('reloaded') ?? 0);
    sessionStorage.setItem('reloaded', String(Date.now()));
    return Date.now() - last > CALM;
  } catch {
    return false;
  }
}
