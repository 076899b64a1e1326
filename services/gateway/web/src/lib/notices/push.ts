import { install } from '$lib/shell/worker';

/** What this browser can do about notices: nothing but over https, and nothing while its owner blocks them. */
export type Ability = 'insecure' | 'unable' | 'blocked' | 'able';

export function ability(): Ability {
  if (!isSecureContext) return 'insecure';
  if (!('serviceWorker' in navigator) || !('PushManager' in window) || !('Notification' in window)) return 'unable';
  return Notification.permission === 'denied' ? 'blocked' : 'able';
}

/** The endpoint under which this browser is told now; null where it is not. */
export async function present(): Promise<string | null> {
  if (ability() !== 'able') return null;
  const registration = await navigator.serviceWorker.getRegistration('/');
  return (await registration?.pushManager.getSubscription())?.endpoint ?? null;
}

/** What the house is told of this browser, once its owner and it have agreed; null where he said no. */
export async function subscribe(key: string): Promise<{ endpoint: string; point: string; secret: string; name: string } | null> {
  if ((await Notification.requestPermission()) !== 'granted') return null;
  const registration = await install();
  await navigator.serviceWorker.ready;
  await (await registration.pushManager.getSubscription())?.unsubscribe();
  const made = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  const { p256dh = '', auth = '' } = made.toJSON().keys ?? {};
  return { endpoint: made.endpoint, point: p256dh, secret: auth, name: name() };
}

/** Ends it in the browser, so that nothing arrives any more whatever the house does. */
export async function unsubscribe(): Promise<void> {
  const registration = await navigator.serviceWorker?.getRegistration('/');
  await (await registration?.pushManager.getSubscription())?.unsubscribe();
}

/** What its owner knows it by: "Firefox on Linux". */
function name(): string {
  const agent = navigator.userAgent;
  const browser = /Edg\//.test(agent) ? 'Edge' : /Firefox\//.test(agent) ? 'Firefox' : /Chrome\//.test(agent) ? 'Chrome' : /Safari\//.test(agent) ? 'Safari' : 'Browser';
  const system = /Android/.test(agent) ? 'Android' : /iPhone|iPad/.test(agent) ? 'iOS' : /Windows/.test(agent) ? 'Windows' : /Mac OS/.test(agent) ? 'macOS' : /Linux/.test(agent) ? 'Linux' : '';
  return system ? `${browser} on ${system}` : browser;
}
