import { expect, test } from '@playwright/test';
import { open } from './house';

const tools = (mode: string, more = {}) => ({
  current: { kind: 'openai', model: 'qwen3:14b', base_url: 'http://127.0.0.1:11434/v1', has_key: false, window: null, tools: { mode, detail: '', tested_at: null, testing: false, ...more } },
  found: []
});

test('a test is begun with a button, and its result appears by itself', async ({ page }) => {
  let looks = 0;
  await page.route('**/api/model', (route) => {
    const testing = looks++ < 2;
    const shown = looks === 1 ? tools('unknown') : tools(testing ? 'unknown' : 'salvage', testing ? { testing } : { detail: '3 of 3 calls came as JSON in its words.', tested_at: new Date().toISOString() });
    return route.fulfill({ json: shown });
  });
  await page.route('**/api/model/test', (route) => route.fulfill({ status: 202, json: tools('unknown', { testing: true }) }));
  await open(page, '/model');
  await expect(page.getByText('Not tested yet')).toBeVisible();
  await page.getByRole('button', { name: 'Test', exact: true }).click();
  await expect(page.getByText('Being tested')).toBeVisible();
  await expect(page.getByText('Writes its calls as text')).toBeVisible();
  await expect(page.getByText('3 of 3 calls came as JSON in its words.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Test again' })).toBeVisible();
});

test('a test that cannot begin says why and leaves what was found', async ({ page }) => {
  await page.route('**/api/model/test', (route) =>
    route.fulfill({ status: 503, contentType: 'application/problem+json', json: { code: 'unavailable', title: 'Away', detail: 'The agent is away.' } })
  );
  await open(page, '/model');
  await page.getByRole('button', { name: 'Test again' }).click();
  await expect(page.getByText('The agent is away.')).toBeVisible();
  await expect(page.getByText('Calls tools', { exact: true })).toBeVisible();
});

for (const [mode, heading] of [
  ['native', 'One thing to keep safe'],
  ['none', 'Which model does the thinking?']
] as const)
  test(`set-up goes on by itself after a model that calls tools well, and stays to say so after another: ${mode}`, async ({ page }) => {
    let saved = false;
    await page.route('**/api/model', (route) => {
      if (route.request().method() === 'PUT') saved = true;
      return route.fulfill({ json: saved ? tools(mode, { detail: 'As it was seen.', tested_at: new Date().toISOString() }) : { current: null, found: [{ name: 'Ollama', base_url: 'http://127.0.0.1:11434/v1', models: ['qwen3:14b'] }] } });
    });
    await open(page, '/setup?step=model', 'fresh');
    await page.getByRole('button', { name: 'Check and use' }).click();
    await expect(page.getByRole('heading', { name: heading })).toBeVisible();
    if (mode === 'none') {
      await expect(page.getByText('As it was seen.')).toBeVisible();
      await page.getByRole('button', { name: 'Go on' }).click();
      await expect(page.getByRole('heading', { name: 'One thing to keep safe' })).toBeVisible();
    }
  });
