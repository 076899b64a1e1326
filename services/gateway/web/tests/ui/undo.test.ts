import { expect, test } from '@playwright/test';
import { open } from './house';

test('what is held is taken back on the spot, what was done in its conversation', async ({ page }) => {
  await open(page, '/activity', 'undoable');
  const list = page.getByRole('region', { name: 'Can be taken back' });
  await expect(list.getByText(/It goes out in \d+ s/)).toBeVisible();
  const asked = page.waitForRequest((request) => request.method() === 'POST' && request.url().includes('/api/undoable/'));
  await list.getByRole('button', { name: 'Take it back' }).click();
  expect(new URL((await asked).url()).pathname).toBe(`/api/undoable/${'8'.repeat(32)}`);
  await expect(page.getByText('Taken back: Send a mail')).toBeAttached();
  await list.getByRole('button', { name: 'Undo: Move a mail The lease' }).click();
  await expect(page).toHaveURL(`/c/${'c'.repeat(32)}`);
});

test('how long an account holds back what it sends is chosen on its card', async ({ page }) => {
  await open(page, '/accounts');
  const asked = page.waitForRequest((request) => request.method() === 'PUT');
  await page.getByLabel('After your yes, hold back for').selectOption({ label: '30 seconds' });
  expect((await asked).postDataJSON()).toEqual({ seconds: 30 });
});
