const SCHEMES = new Set(['http:', 'https:', 'mailto:']);

/** The address behind a link of the model, or null where its scheme is not one that opens a page or a mail. */
export function addressOf(href: string): URL | null {
  try {
    const url = new URL(href);
    return SCHEMES.has(url.protocol) ? url : null;
  } catch {
    return null;
  }
}

/** What stands beside a link: its host, or the mail address. */
export function targetOf(url: URL): string {
  return url.protocol === 'mailto:' ? decode(url.pathname) : url.host;
}

/**
 * Whether an address holds room for data of the conversation: a query, a fragment, a user name, or a part that is long
 * or full of digits. A model that a mail has talked round leaks by such links, so they ask before they open.
 */
export function carriesData(url: URL): boolean {
  if (url.search || url.hash || url.username || url.password) return true;
  if (url.protocol === 'mailto:') return false;
  const parts = [...url.hostname.split('.'), ...url.pathname.split('/')];
  return url.pathname.length > 80 || parts.some((part) => part.length > 40 || /\d{6}/.test(part));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
