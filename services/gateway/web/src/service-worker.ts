/// <reference types="@sveltejs/kit" />
/// <reference no-default-lib="true" />
/// <reference lib="esnext" />
/// <reference lib="webworker" />
/**
 * Shows what this house sends, and opens it; and keeps the app itself, so that it opens while the house is away.
 *
 * What it keeps are the built files, the same for everybody: nothing of /api, no answer, nothing of a person.
 */
import { build, files, version } from '$service-worker';
import { translated } from '$lib/words/heard';
import { SHARE, SHARED, TAKE, type Shared } from '$lib/shell/share';
import { KEPT_WORDS, left } from '$lib/words/kept';

const worker = self as unknown as ServiceWorkerGlobalScope;

const KEPT = `app-${version}`;
const SHELL = '/';

/** What another app shared, until the page has taken it: in memory alone, so that nothing of a person is kept here. */
let shared: Shared | null = null;

worker.addEventListener('install', (event) => event.waitUntil(keep()));
worker.addEventListener('activate', (event) => event.waitUntil(dropOlder()));

worker.addEventListener('fetch', (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method === 'POST' && origin === worker.location.origin && pathname === SHARE) return event.respondWith(receive(event.request));
  if (method !== 'GET' || origin !== worker.location.origin || pathname.startsWith('/api/')) return;
  if (mode === 'navigate') event.respondWith(fromHouse(event.request));
  else if (build.includes(pathname)) event.respondWith(fromKept(event.request));
});

worker.addEventListener('message', (event) => {
  if (event.data !== TAKE) return;
  event.ports[0]?.postMessage(shared);
  shared = null;
});

worker.addEventListener('push', (event) => event.waitUntil(show(event.data)));

worker.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(worker.clients.openWindow(place(event.notification.data)));
});

async function keep(): Promise<void> {
  const cache = await caches.open(KEPT);
  await cache.addAll([SHELL, ...build, ...files]);
  await worker.skipWaiting();
}

async function dropOlder(): Promise<void> {
  for (const name of await caches.keys()) if (![KEPT, KEPT_WORDS].includes(name)) await caches.delete(name);
}

/** A page as the house has it now; while the house cannot be reached, the app as it was, which then says so itself. */
async function fromHouse(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (unreachable) {
    const kept = await caches.match(SHELL, { cacheName: KEPT });
    if (kept) return kept;
    throw unreachable;
  }
}

/** A built file never changes under its name. */
async function fromKept(request: Request): Promise<Response> {
  return (await caches.match(request, { cacheName: KEPT })) ?? fetch(request);
}

/** Holds what came for the page of a new conversation; nothing is sent to the house before that is open. */
async function receive(request: Request): Promise<Response> {
  const form = await request.formData();
  const said = ['title', 'text', 'url'].map((name) => form.get(name)).filter((each) => typeof each === 'string' && each.trim());
  shared = { text: said.join('\n\n'), files: form.getAll('files').filter((each) => each instanceof File && each.size > 0) as File[] };
  return Response.redirect(SHARED, 303);
}

/** Nothing is shown to somebody who has a page before his eyes: it says so itself. */
async function show(data: PushMessageData | null): Promise<void> {
  const pages = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true });
  if (pages.some((page) => page.visibilityState === 'visible')) return;
  const { title, body, path } = read(data);
  const known = await left().catch(() => ({}));
  const told: NotificationOptions & { renotify: boolean } = { body: translated(known, body), tag: 'decisions', renotify: true, icon: '/icon-192.png', data: path };
  await worker.registration.showNotification(translated(known, title), told);
}

function read(data: PushMessageData | null): { title: string; body: string; path: string } {
  try {
    return data?.json();
  } catch {
    return { title: 'Something waits for your yes', body: '', path: '/approvals' };
  }
}

/** An address of this house and of no other. */
function place(path: unknown): string {
  const found = new URL(typeof path === 'string' ? path : '/approvals', worker.location.origin);
  return found.origin === worker.location.origin ? found.href : '/approvals';
}
