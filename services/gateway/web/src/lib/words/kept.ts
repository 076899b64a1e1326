import type { Known } from './heard';

const CACHE = 'words';
const PLACE = '/words';

/** The worker's store that outlives a version of the app. */
export const KEPT_WORDS = CACHE;

/** Leaves the known sentences where the worker finds them, which loads nothing itself; `mark` tells these from others. */
export async function leave(known: Known, mark: string): Promise<void> {
  if (!('caches' in globalThis)) return;
  const cache = await caches.open(CACHE);
  if ((await cache.match(PLACE))?.headers.get('ETag') === mark) return;
  await cache.put(PLACE, Response.json(known, { headers: { ETag: mark } }));
}

/** What was left last; nothing where no page was ever open. */
export async function left(): Promise<Known> {
  const found = await caches.match(PLACE, { cacheName: CACHE });
  return found ? await found.json() : {};
}
