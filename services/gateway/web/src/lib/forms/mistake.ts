import { tick } from 'svelte';

/** The first field that a form marks as wrong, or the one that a selector names, is where one goes on typing. */
export async function toFirstMistake(form: HTMLElement | undefined, field = '[aria-invalid="true"]'): Promise<void> {
  await tick();
  form?.querySelector<HTMLElement>(field)?.focus();
}
