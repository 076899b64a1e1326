import type { Page } from '@playwright/test';

/**
 * What can be pressed and is smaller than 24 by 24 pixels (WCAG 2.2, 2.5.8): a box counts with its label, and links inside
 * of a sentence are as high as its line. What is spaced widely may be smaller by the rule; here nothing is.
 */
export function smallTargets(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const SMALLEST = 24;
    const roles = ['button', 'link', 'menuitem', 'menuitemradio', 'option', 'tab', 'checkbox', 'radio', 'switch'];
    const all = document.querySelectorAll<HTMLElement>(
      ['a[href]', 'button', 'input', 'select', 'textarea', 'summary', ...roles.map((role) => `[role=${role}]`)].join()
    );

    const isShown = (each: HTMLElement): boolean => {
      const { width, height } = each.getBoundingClientRect();
      return each.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && width > 1 && height > 1;
    };

    const isInSentence = (each: HTMLElement): boolean => {
      const around = each.parentElement?.textContent?.trim() ?? '';
      return getComputedStyle(each).display === 'inline' && around.length > (each.textContent?.trim().length ?? 0);
    };

    const boxOf = (each: HTMLElement): DOMRect => {
      const label = each.matches('[type=checkbox], [type=radio]') ? (each as HTMLInputElement).labels?.[0] : undefined;
      return (label ?? each).getBoundingClientRect();
    };

    return [...all]
      .filter((each) => isShown(each) && !isInSentence(each))
      .map((each) => ({ each, box: boxOf(each) }))
      .filter(({ box }) => Math.min(box.width, box.height) < SMALLEST - 0.01)
      .map(({ each, box }) => `${Math.round(box.width)} x ${Math.round(box.height)}: ${each.outerHTML.slice(0, 140)}`);
  });
}
