type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };

/** Says so many of something in the form that a language has for that number (CLDR's plural rules). */
export function counting(language: string): (count: number, forms: Forms) => string {
  const rules = new Intl.PluralRules(language);
  const numbers = new Intl.NumberFormat(language);
  return (count, forms) => `${numbers.format(count)} ${forms[rules.select(count)] ?? forms.other}`;
}
