import { expect, test } from '@playwright/test';
import { open } from './house';

const e = 'e'.repeat(32);
const c = 'c'.repeat(32);

test('what nobody can tell is counted, looked at again, and ended by its owner’s word alone', async ({ page }) => {
  await open(page, '/approvals', 'doubtful');
  const doubt = page.getByRole('region', { name: '1 thing needs your eyes' });
  await expect(doubt).toContainText('Calendar could not be asked just now.');
  const asked: unknown[] = [];
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().includes('/api/outcomes/')) asked.push([new URL(request.url()).pathname.split('/').at(-1), request.postDataJSON()]);
  });
  await doubt.getByRole('button', { name: 'Look again' }).click();
  await expect(doubt).toContainText('The service still cannot tell.');
  await doubt.getByRole('button', { name: 'It was not sent' }).click();
  const settled = page.getByRole('region', { name: 'What needs your eyes' });
  await expect(settled).toContainText('You said that it was not done.');
  expect(asked).toEqual([
    ['8'.repeat(32), { says: 'look' }],
    ['8'.repeat(32), { says: 'not_done' }]
  ]);
  await settled.getByRole('button', { name: 'Try again, with a new question' }).click();
  await expect(page).toHaveURL(`/c/${c}`);
});

test('in its conversation, too, a call in doubt has its buttons', async ({ page }) => {
  await open(page, `/c/${e}`);
  for (const name of ['Look again', 'It was sent', 'It was not sent']) {
    await expect(page.getByRole('button', { name, exact: true })).toBeVisible();
  }
  await page.getByRole('button', { name: 'It was sent', exact: true }).click();
  await expect(page.getByText('You said that it was done.')).toBeVisible();
});
