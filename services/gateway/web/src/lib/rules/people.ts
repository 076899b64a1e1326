import type { Approval } from '$lib/api/types';

/** Whom a rule names: "Carol Meyer <carol@example.org>, ben@example.org". */
export const people = (destinations: Approval['preview']['destinations']): string =>
  destinations.map(({ name, value }) => (name ? `${name} <${value}>` : value)).join(', ');
