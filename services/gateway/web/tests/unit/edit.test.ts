import { expect, test } from 'vitest';
import { editable, edited } from '$lib/chat/edit';
import { initialValues } from '$lib/forms/schema';
import { approvalForm } from '../mock/data.mjs';

const nested = {
  ...approvalForm.parameters,
  properties: { ...approvalForm.parameters.properties, alarms: { type: 'array', items: { type: 'object' } }, note: { type: 'string' } }
};

test('ids and what has parts of its own are not asked for, and long texts get room', () => {
  const fields = editable(nested, { ...approvalForm.arguments, message: '0193', alarms: [{ before: 10 }] });
  expect(fields.map((field) => [field.name, field.kind])).toEqual([['to', 'lines'], ['subject', 'text'], ['text', 'multiline'], ['note', 'text']]);
});

test('what was not asked for is kept, and what was emptied is left out', () => {
  const known = { ...approvalForm.arguments, message: '0193', alarms: [{ before: 10 }], note: 'soon' };
  const fields = editable(nested, known);
  const values = { ...initialValues(fields, known), to: 'carol@example.org\nben@example.org', note: ' ' };
  expect(edited(fields, values, known)).toEqual({
    to: ['carol@example.org', 'ben@example.org'],
    subject: 'Re: The lease',
    text: approvalForm.arguments.text,
    message: '0193',
    alarms: [{ before: 10 }]
  });
});
