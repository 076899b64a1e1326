import type { TokenScope } from '$lib/api/types';
import { words } from '$lib/words';

/** What a token may be for, in the order in which it is offered. */
export const SCOPES: readonly TokenScope[] = ['chat', 'approve', 'accounts', 'audit'];

/** How long a token may live, in days. */
export const LIVES = [7, 30, 90, 365] as const;

export interface Draft {
  name: string;
  scopes: readonly TokenScope[];
}

/** What is missing, by field. */
export function mistakes({ name, scopes }: Draft): Record<string, string> {
  const wrong: Record<string, string> = {};
  if (!name.trim()) wrong.name = words.accounts.required;
  if (!scopes.length) wrong.scopes = words.tokens.scopeNone;
  return wrong;
}
