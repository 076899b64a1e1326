/** Shows what this house sends, and opens it. It keeps nothing and answers no request of any page. */

self.addEventListener('install', () => self.skipWaiting());

self.addEventListener('push', (event) => event.waitUntil(show(event.data)));

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(place(event.notification.data)));
});

/** Nothing is shown to somebody who has a page before his eyes: it says so itself. */
async function show(data) {
  const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  if (pages.some((page) => page.visibilityState === 'visible')) return;
  const { title, body, path } = read(data);
  await self.registration.showNotification(title, { body, tag: 'decisions', renotify: true, icon: '/favicon.svg', data: path });
}

function read(data) {
  try {
    return data.json();
  } catch {
    return { title: 'Something waits for your yes', body: '', path: '/approvals' };
  }
}

/** An address of this house and of no other. */
function place(path) {
  const found = new URL(typeof path === 'string' ? path : '/approvals', self.location.origin);
  return found.origin === self.location.origin ? found.href : '/approvals';
}
