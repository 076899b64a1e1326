/** As many labels as a conversation may bear, and as long as one may be: as the gateway says. */
export const MOST = 8;
export const LONGEST = 40;

/** Labels with one more, unless it is empty, there already in whatever case, or too many. */
export function withLabel(labels: readonly string[], typed: string): string[] {
  const label = typed.trim().replace(/\s+/g, ' ').slice(0, LONGEST);
  const isThere = labels.some((each) => each.toLowerCase() === label.toLowerCase());
  return label && !isThere && labels.length < MOST ? [...labels, label] : [...labels];
}
