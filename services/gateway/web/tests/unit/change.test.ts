import { expect, test } from 'vitest';
import { fieldsOfForm, initialValues } from '../../src/lib/forms/schema';
import { changedIn } from '../../src/lib/looks/change';

const fields = fieldsOfForm({
  properties: {
    name: { type: 'string' },
    text: { type: 'string', format: 'multiline' },
    lines: { type: 'array', items: { type: 'string' } },
    to: { type: 'array', items: { type: 'string', format: 'mailbox' } }
  }
});
const known = { name: 'Carol', text: 'one\r\ntwo\n', lines: ['a', 'b'], to: ['"Jones, Carol" <carol@example.org>', 'bob@example.org'] };
const first = initialValues(fields, known);

test.each([true, false])('a form that nobody touched says nothing (adds: %s)', (adds) => {
  expect(changedIn(fields, first, known, adds)).toBeNull();
  const spaced = { ...first, name: ' Carol ', text: 'one\ntwo', lines: 'a\n\n b ', to: `${String(first.to)}, ` };
  expect(changedIn(fields, spaced, known, adds)).toBeNull();
});

test('only what is different is told, and what was emptied is empty', () => {
  const values = { ...first, name: 'Carol Jones', text: '', lines: 'b' };
  expect(changedIn(fields, values, known, false)).toEqual({ fields: { name: 'Carol Jones', text: '', lines: ['b'] }, removed: [] });
  expect(changedIn(fields, { ...first, to: '' }, known, false)).toEqual({ fields: { to: [] }, removed: [] });
});

test('where lists are only added to, what was taken out is told apart', () => {
  expect(changedIn(fields, { ...first, lines: 'b\nc' }, known, true)).toEqual({ fields: { lines: ['c'] }, removed: ['a'] });
  expect(changedIn(fields, { ...first, lines: 'b' }, known, true)).toEqual({ fields: {}, removed: ['a'] });
  expect(changedIn(fields, { ...first, lines: 'b\na' }, known, true)).toBeNull();
});
