/** What another app on this device shares with the installed app, on its way through the worker to a new message. */
export interface Shared {
  /** Title, text and address, whatever came of them. */
  text: string;
  files: File[];
}

/** Where the device sends it (`share_target` of the manifest), and the page that takes it. */
export const SHARE = '/share';
export const SHARED = '/new?shared';

/** What the page asks the worker. */
export const TAKE = 'take what was shared';

const SECONDS = 5;

/** Takes it, once; null where it is not there any more, since the worker keeps it in memory alone. */
export async function takeShared(): Promise<Shared | null> {
  const worker = navigator.serviceWorker.controller;
  if (!worker) return null;
  const channel = new MessageChannel();
  const answer = new Promise<Shared | null>((resolve) => {
    channel.port1.onmessage = ({ data }: MessageEvent<Shared | null>) => resolve(data);
    setTimeout(() => resolve(null), SECONDS * 1000);
  });
  worker.postMessage(TAKE, [channel.port2]);
  return answer.finally(() => channel.port1.close());
}

/**
 * As files: what is shared was written by whoever wrote it, and is not the words of the person who shares it.
 * `name` is that of what is no file.
 */
export function asFiles({ text, files }: Shared, name: string): File[] {
  return text.trim() ? [new File([text], `${name}.txt`, { type: 'text/plain' }), ...files] : [...files];
}
