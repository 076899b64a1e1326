import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import type { AxeResults } from 'axe-core';

const source = readFileSync(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

/** Every rule that there is for the levels A and AA, and what is good practice beside them. */
const everything = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/**
 * What axe-core finds wrong with the page as it stands: each rule (of these, or of all) with its elements.
 *
 * Of the rest only the count is wanted, so it is not described; and the script goes in once for a page. By way of
 * `AxeBuilder`, which does both anew for each look, a look took three times as long.
 */
export async function violations(page: Page, rules: string[] = everything): Promise<string[]> {
  if (!(await page.evaluate('"axe" in window'))) await page.evaluate(`${source}; undefined`);
  const options = JSON.stringify({ runOnly: rules, resultTypes: ['violations'] });
  const found = await page.evaluate<AxeResults['violations']>(`axe.run(document, ${options}).then((all) => all.violations)`);
  return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`);
}
