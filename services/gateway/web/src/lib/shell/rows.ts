import { tick } from 'svelte';

/** The row of a conversation in the list before one's eyes: on a phone the same list also stands where nobody sees it. */
export const rowOf = (id: string): HTMLElement | null =>
  [...document.querySelectorAll<HTMLElement>(`[data-conversation="${id}"]`)].find((row) => row.offsetParent !== null) ?? null;

export const linkOf = (row: Element | null | undefined): HTMLElement | null => row?.querySelector('a') ?? null;

/** The link of the row beside, for when a row goes. */
export const linkBeside = (row: Element | null | undefined): HTMLElement | null =>
  linkOf(row?.nextElementSibling ?? row?.previousElementSibling);

/**
 * Called before rows change: one that moves or goes takes the focus along, and a drawer around it gives that to its
 * first button. It is given to the row's link again, or to that of the row beside.
 */
export function keepFocus(): void {
  const row = document.activeElement?.closest<HTMLElement>('[data-conversation]');
  const id = row?.dataset.conversation;
  if (!row || !id) return;
  const beside = linkBeside(row);
  void tick().then(() =>
    setTimeout(() => {
      if (!row.isConnected || document.activeElement === document.body) (linkOf(rowOf(id)) ?? beside)?.focus();
    })
  );
}
