import type { Approval } from '$lib/api/types';
import { people } from '$lib/rules/people';
import { words } from '$lib/words';

/** What a call is about, whom it reached or would reach, in which account: "· Re: The lease · to Carol · Home". */
export const about = (subject: string, destinations: Approval['preview']['destinations'], account: string): string =>
  [subject, destinations.length ? words.receipts.to(people(destinations)) : '', account]
    .filter(Boolean)
    .map((part) => `· ${part}`)
    .join(' ');
