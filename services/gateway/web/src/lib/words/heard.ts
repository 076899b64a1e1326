/** Sentences of the server in another language, each by the English one; `{}` stands for what differs, in the same order. */
export type Known = Readonly<Record<string, string>>;

/** What was said, in the other language where it is known; else as it was said. */
export function translated(known: Known, said: string): string {
  if (Object.hasOwn(known, said)) return known[said] ?? said;
  for (const [pattern, other] of Object.entries(known)) {
    const facts = pattern.includes('{}') ? factsOf(pattern, said) : null;
    if (facts) return other.replaceAll('{}', () => facts.shift() ?? '');
  }
  return said;
}

/** What stands for each `{}` of the pattern; null where the sentence is another. */
function factsOf(pattern: string, said: string): string[] | null {
  const expression = pattern.split('{}').map((each) => each.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('(.+)');
  const found = new RegExp(`^${expression}$`).exec(said);
  return found && found.slice(1);
}
