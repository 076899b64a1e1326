import { type Page, type Route, expect } from '@playwright/test';

/** Opens a path in the house that a test wants ("new", "empty", "fresh.stream" …), watching for what must not happen. */
export async function open(page: Page, path: string, house = ''): Promise<string[]> {
  const faults: string[] = [];
  const own = (address: string): boolean => /^(http:\/\/127\.0\.0\.1:|data:|blob:)/.test(address);
  page.on('request', (request) => {
    if (!own(request.url())) faults.push(`asked another host: ${request.url()}`);
  });
  page.on('pageerror', (error) => faults.push(`threw: ${error.message}`));
  page.on('console', (message) => {
    const refused = /Content Security Policy|content-security-policy/i.test(message.text());
    if (refused) faults.push(`refused by the policy: ${message.text()}`);
  });
  await page.context().addCookies([{ name: 'house', value: house || 'home', domain: '127.0.0.1', path: '/' }]);
  await page.goto(path);
  return faults;
}

/** Nothing sticks out sideways at the width. */
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const wide = await page.evaluate(() => {
    const limit = document.documentElement.clientWidth;
    const scrolls = (element: Element | null): boolean =>
      element !== null && (/(auto|scroll|hidden)/.test(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
    return [...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > limit + 1 && !scrolls(element.parentElement))
      .map((element) => element.outerHTML.slice(0, 120));
  });
  expect(wide).toEqual([]);
  expect(await page.evaluate(() => document.scrollingElement?.scrollWidth ?? 0)).toBeLessThanOrEqual(page.viewportSize()?.width ?? 0);
}

/** Keeps back what is asked at this address until the function that comes back is called; then `answer` gives it. */
export async function hold(
  page: Page,
  address: string,
  answer: (route: Route) => Promise<void> = (route) => route.continue()
): Promise<() => void> {
  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  await page.route(address, (route) => held.then(() => answer(route)));
  return letGo;
}
