import type { Connector, OAuthClient } from '$lib/api/types';

export type Urls = OAuthClient['urls'];
export const URLS = ['authorize_url', 'token_url', 'device_url', 'revoke_url', 'issuer'] as const satisfies readonly (keyof Urls)[];

export type Capability = NonNullable<Connector['sign_in']>['capabilities'][number];

/** What has to be switched on at the provider, each once. */
export function apisOf(connector: Connector): Pick<Capability, 'api' | 'api_url'>[] {
  const named = (connector.sign_in?.capabilities ?? []).filter((each) => each.api);
  return [...new Map(named.map((each) => [each.api, each])).values()];
}

/** What is ticked at first: what the account has already with what is `wanted`, or what the connector proposes. */
export function chosenFirst(connector: Connector, granted: readonly string[] | null | undefined, wanted: readonly string[] = []): string[] {
  const all = connector.sign_in?.capabilities ?? [];
  return all.filter((each) => wanted.includes(each.id) || (granted?.length ? granted.includes(each.id) : each.chosen)).map((each) => each.id);
}

/** A page of a provider: nothing but https, and http on this machine, is gone to. */
export function mayGo(url: string): boolean {
  const place = URL.parse(url);
  if (!place) return false;
  return place.protocol === 'https:' || (place.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(place.hostname));
}

/**
 * The page of the sign-in where the session may be. Providers send to localhost whoever is on the house's own machine,
 * though the house may have been opened as 127.0.0.1; null where there is no such other name.
 */
export function underOtherName(page: URL): string | null {
  if (page.protocol !== 'http:' || page.hostname !== 'localhost' || page.pathname !== '/oauth/callback') return null;
  const there = new URL(page);
  there.hostname = '127.0.0.1';
  return there.href;
}
