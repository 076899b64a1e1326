import type { Problem } from '$lib/api/problem';
import type { CallItem } from './transcript.svelte';

/** What there is to say of taking a call back: it was, or how to do it; null where there is nothing. */
export type Undo = 'done' | (() => Promise<Problem | null>) | null;

export type UndoOf = (call: CallItem) => Undo;
