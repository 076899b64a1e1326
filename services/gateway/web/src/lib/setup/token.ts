/** The token behind `#` in a set-up link or in a pasted text; empty where there is none. */
export function tokenOf(text: string): string {
  const token = text.slice(text.lastIndexOf('#') + 1).trim();
  return /^[\w-]{16,200}$/.test(token) ? token : '';
}

/** A user name out of a person's name: its first word in small letters, without accents. */
export function usernameFrom(name: string): string {
  const first = name.trim().split(/\s+/)[0] ?? '';
  return first.normalize('NFKD').replace(/[^\w.-]/g, '').toLowerCase();
}
