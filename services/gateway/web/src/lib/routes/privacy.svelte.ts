import { api } from '$lib/api/client';
import type { ModelChoice, RouteName, RouteNote } from '$lib/api/types';
import { words } from '$lib/words';

/** What the typing person is as a source. */
export const OWN = 'own';
/** What stands in the files that he gives. */
export const FILES = 'files';

/** From the laxest to the strictest. */
export const ROUTES: readonly RouteName[] = ['cloud_ok', 'redact', 'local_only'];

/** Which models answer, and what each may see of which source. */
class Privacy {
  model = $state.raw<ModelChoice | null>(null);
  #routes = $state.raw<Record<string, RouteName>>({});
  #names = $state.raw<Record<string, string>>({});

  /** Whether what is read for an answer leaves the house. */
  get isCloud(): boolean {
    return this.model !== null && !this.model.local;
  }

  route(source: string): RouteName {
    return this.#routes[source] ?? 'cloud_ok';
  }

  /** A source as a person calls it. */
  name(source: string): string {
    if (source === OWN) return words.routes.ownName;
    if (source === FILES) return words.routes.filesName;
    if (source.startsWith('from:')) return words.routes.sender(source.slice(5).replace(/^@/, ''));
    return this.#names[source] ?? words.routes.gone;
  }

  /** Several sources in a row. */
  namesOf(sources: readonly string[]): string {
    return sources.map((each) => this.name(each)).join(', ');
  }

  /** One line for the composer; empty where no model is set. */
  get summary(): string {
    if (!this.model) return '';
    if (this.model.local) return words.routes.local(this.model.model);
    const held = Object.entries(this.#routes).filter(([source]) => source === OWN || source === FILES || source.startsWith('from:') || source in this.#names);
    const of = (route: RouteName): string[] => held.filter(([, each]) => each === route).map(([source]) => source);
    const counted = (sources: string[]): string => words.routes.count(sources.length, sources.every((each) => each in this.#names));
    const [redacted, withheld] = [of('redact'), of('local_only')];
    const parts = [words.routes.cloud(this.model.model)];
    if (redacted.length) parts.push(words.routes.redacted(counted(redacted)));
    if (withheld.length) parts.push(words.routes.withheld(counted(withheld)));
    return parts.join(' · ');
  }

  /** Fetches it; what cannot be had stays as it was. */
  async load(): Promise<void> {
    const [model, routes, accounts] = await Promise.allSettled([api.model(), api.routes(), api.accounts()]);
    if (model.status === 'fulfilled') this.model = model.value.current;
    if (routes.status === 'fulfilled') this.#routes = Object.fromEntries(routes.value.map((each) => [each.source, each.route]));
    if (accounts.status === 'fulfilled') this.#names = Object.fromEntries(accounts.value.map((each) => [each.id, each.name]));
  }
}

export const privacy = new Privacy();

/** What the model that read the result of a call saw of it; empty where it saw it whole, or nothing is known. */
export function seenOf(account: string | null, note: RouteNote | null): 'redacted' | 'withheld' | 'local' | '' {
  if (!account || !note) return '';
  if (note.withheld.includes(account)) return 'withheld';
  if (note.redacted.includes(account)) return 'redacted';
  return note.because.includes(account) ? 'local' : '';
}
