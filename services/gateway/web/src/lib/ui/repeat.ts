/**
 * Runs `task` now and again after each `pause()` milliseconds while the page is visible; at once when it comes back.
 * Returns how to stop; the next round is put off while one is under way.
 */
export function repeat(task: () => Promise<void>, pause: () => number): () => void {
  let stopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const round = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    if (!document.hidden) await task();
    if (!stopped) timer = setTimeout(() => void round(), pause());
  };
  const seen = (): void => {
    if (!document.hidden && timer !== undefined) void round();
  };
  document.addEventListener('visibilitychange', seen);
  queueMicrotask(() => void round());
  return () => {
    stopped = true;
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', seen);
  };
}
