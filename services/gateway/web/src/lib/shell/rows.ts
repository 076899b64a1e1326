/** The row of a conversation in the list before one's eyes: on a phone the same list also stands where nobody sees it. */
export const rowOf = (id: string): HTMLElement | null =>
  [...document.querySelectorAll<HTMLElement>(`[data-conversation="${id}"]`)].find((row) => row.offsetParent !== null) ?? null;
