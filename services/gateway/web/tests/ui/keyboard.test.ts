import { type Page, expect, test } from '@playwright/test';
import { open } from './house';

const c = 'c'.repeat(32);

/** What has the focus, and whether somebody who looks can tell. */
async function focus(page: Page): Promise<{ what: string; seen: boolean; inside: boolean; covered: boolean }> {
  return page.evaluate(() => {
    const element = document.activeElement ?? document.body;
    const isOutlined = (each: Element): boolean => {
      const { outlineStyle, outlineWidth } = getComputedStyle(each);
      return outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2;
    };
    const frames = [element, element.closest('label'), element.closest('form'), element.closest('form > div')].filter((each) => each !== null);
    const box = element.getBoundingClientRect();
    const isMine = (hit: Element | null): boolean => hit !== null && (element.contains(hit) || hit.contains(element));
    const within = (from: number, to: number, most: number): number[] =>
      [0.02, 0.25, 0.5, 0.75, 0.98].map((part) => from + part * (to - from)).filter((at) => at > 0 && at < most);
    const hits = within(box.left, box.right, innerWidth).flatMap((x) =>
      within(box.top, box.bottom, innerHeight).map((y) => document.elementFromPoint(x, y))
    );
    return {
      what: `${element.tagName.toLowerCase()} ${(element.getAttribute('aria-label') ?? element.textContent ?? '').trim().slice(0, 40)}`,
      seen: frames.some(isOutlined),
      inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
      covered: !hits.some(isMine)
    };
  });
}

for (const [path, ready] of [
  ['/', 'Good to see you, Ada.'],
  [`/c/${c}`, 'Send a mail?'],
  ['/approvals', 'Send a mail?'],
  ['/accounts', 'Family calendar'],
  ['/accounts/new/mail', 'Incoming mail'],
  ['/activity', 'Show older'],
  ['/security', 'Where you are signed in'],
  ['/model', 'llama3.1:8b']
] as const) {
  test(`whoever goes through ${path.slice(0, 14)} by Tab sees where he is`, async ({ page }) => {
    await open(page, path);
    await expect(page.getByText(ready).first()).toBeVisible();
    const seen = new Set<string>();
    for (let step = 0; step < 40; step += 1) {
      await page.keyboard.press('Tab');
      const now = await focus(page);
      if (now.what.startsWith('body')) break;
      expect(now, now.what).toMatchObject({ seen: true, inside: true, covered: false });
      seen.add(now.what);
    }
    expect(seen.size).toBeGreaterThan(4);
  });
}

test('a decision is reached by Tab in the order in which it is read', async ({ page }) => {
  await open(page, '/approvals');
  const card = page.getByRole('region', { name: 'Send a mail?' });
  await expect(card.getByRole('button', { name: 'Send', exact: true })).toBeEnabled();
  await card.getByRole('region', { name: 'Exact content' }).focus();
  for (const name of ['Send', 'Edit', 'Don’t send', 'Say why not']) {
    await page.keyboard.press('Tab');
    await expect(card.getByRole('button', { name, exact: true })).toBeFocused();
  }
});

test('after a decision the focus stands on the step that was decided', async ({ page }) => {
  await open(page, `/c/${c}`);
  const send = page.getByRole('region', { name: 'Send a mail?' }).getByRole('button', { name: 'Send', exact: true });
  await expect(send).toBeEnabled();
  await send.focus();
  await page.keyboard.press('Enter');
  await expect(page.locator('summary', { hasText: 'Messages send' })).toBeFocused();
});

test('a question before a removal keeps the focus, and Escape takes it back', async ({ page }) => {
  await open(page, '/accounts');
  const remove = page.getByRole('button', { name: 'Remove Family calendar' });
  await remove.focus();
  await page.keyboard.press('Enter');
  const question = page.getByRole('alertdialog');
  await expect(question.getByRole('button', { name: 'Keep it' })).toBeFocused();
  for (let step = 0; step < 4; step += 1) {
    await page.keyboard.press('Tab');
    expect(await question.evaluate((box) => box.contains(document.activeElement))).toBe(true);
  }
  await page.keyboard.press('Escape');
  await expect(question).toBeHidden();
  await expect(remove).toBeFocused();
});

test('nothing moves for who asked for stillness', async ({ page }) => {
  await open(page, '/');
  const durations = await page.evaluate(() => {
    const probe = document.body.appendChild(document.createElement('div'));
    probe.className = 'progress animate-spin transition-transform';
    const { animationDuration, animationName, transitionDuration } = getComputedStyle(probe);
    return { animation: animationName === 'none' ? 0 : Number.parseFloat(animationDuration), transition: Number.parseFloat(transitionDuration) };
  });
  expect(Math.max(durations.animation, durations.transition)).toBeLessThan(0.001);
});
