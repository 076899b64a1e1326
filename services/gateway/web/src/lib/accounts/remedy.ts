import type { Account, Connector, CheckStep } from '$lib/api/types';

export const REASONS = ['api_disabled', 'scope_missing', 'admin_blocked', 'storage_full', 'no_mailbox', 'trial_over', 'clock_wrong'] as const;
export type Reason = (typeof REASONS)[number];

/** What helps: a page of the provider, a page of this house, or both. */
export interface Remedy {
  reason: Reason;
  there: string | null;
  here: string | null;
}

const isKnown = (reason: string): reason is Reason => (REASONS as readonly string[]).includes(reason);

/** What helps against what a provider refuses; null where nothing is known to. */
export function remedyOf(reason: string, url: string | null, connector: Connector | undefined, again: string): Remedy | null {
  if (!isKnown(reason)) return null;
  const [at, another] = [connector?.sign_in, connector ? `/accounts/new/${connector.id}` : null];
  const here = { scope_missing: again, trial_over: again, admin_blocked: another, no_mailbox: another } as Partial<Record<Reason, string | null>>;
  const there = { api_disabled: at?.console_url, trial_over: at?.console_url, storage_full: at?.manage_url } as Partial<Record<Reason, string>>;
  return { reason, there: url || there[reason] || null, here: here[reason] || null };
}

/** The address under which an account is connected again, with what failed ticked beside what it has. */
export function againAt(account: Account, connector: Connector | undefined, steps: readonly CheckStep[] = []): string {
  const failed = new Set(steps.filter((step) => !step.ok).map((step) => step.name));
  const ticked = (connector?.sign_in?.capabilities ?? []).filter((each) => failed.has(each.title)).map((each) => each.id);
  const query = new URLSearchParams([['again', account.id], ...ticked.map((id) => ['tick', id])]);
  return `/accounts/new/${account.connector}?${query}`;
}

const DAY = 86_400_000;
const SOON = 3;

export interface Ending {
  days: number;
  isSoon: boolean;
  /** Whether it ends because the registration is on trial. */
  isTrial: boolean;
}

/** In how many days a consent ends; null where it does not, or has. */
export function endingOf(account: Account, connector: Connector | undefined, now: number): Ending | null {
  if (!account.consent_ends_at) return null;
  const ends = Date.parse(account.consent_ends_at);
  if (ends <= now) return null;
  const [days, trial] = [Math.floor((ends - now) / DAY), connector?.sign_in?.trial_days];
  const whole = account.authorized_at ? (ends - Date.parse(account.authorized_at)) / DAY : null;
  return { days, isSoon: days < SOON, isTrial: Boolean(trial && whole !== null && Math.abs(whole - trial) < 0.5) };
}
