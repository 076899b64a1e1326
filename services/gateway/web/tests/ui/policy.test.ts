import { expect, test } from '@playwright/test';
import { open } from './house';

test('a page that was made to write markup or script is stopped by the browser', async ({ page }) => {
  await open(page, `/c/${'c'.repeat(32)}`);
  await expect(page.getByRole('table')).toBeVisible();
  const stopped = await page.evaluate(() => {
    const refused = (attempt: () => void): boolean => {
      try {
        attempt();
        return false;
      } catch {
        return true;
      }
    };
    return {
      markup: refused(() => (document.body.innerHTML = '<b>no</b>')),
      policy: refused(() => Reflect.get(window, 'trustedTypes')?.createPolicy('mine', {})),
      script: refused(() => (document.createElement('script').text = 'alert(1)'))
    };
  });
  expect(stopped).toEqual({ markup: true, policy: true, script: true });
});

test('no element carries a style of its own in the page as it is sent', async ({ page, request }) => {
  await open(page, '/');
  const sent = await (await request.get('/')).text();
  expect(sent).not.toMatch(/\sstyle=|<style|\son\w+=/);
  expect([...sent.matchAll(/<script(?![^>]*src=)/g)]).toHaveLength(1);
});
