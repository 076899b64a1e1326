import { expect, test } from 'vitest';
import { fieldsOf, groupsOf, initialValues, mistakes, payload } from '$lib/forms/schema';
import { connectors } from '../mock/data.mjs';

const mail = fieldsOf(connectors[0] as never);
const filled = { ...initialValues(mail), address: ' ada@home.example ', password: 'not a real one', imap_host: 'imap', smtp_host: 'smtp' };

const fieldOf = (property: object, required: string[] = []) =>
  fieldsOf({ settings_schema: { properties: { it: property }, required }, secrets_schema: {} });

test('secrets come after what stands alone and before the groups', () => {
  expect(mail.map((field) => field.name)).toEqual([
    'address', 'username', 'password', 'imap_host', 'imap_port', 'imap_security', 'smtp_host', 'smtp_port', 'smtp_security'
  ]);
  expect(groupsOf(mail).map((group) => group.title)).toEqual(['', 'Incoming mail', 'Outgoing mail']);
  expect(mail[3]?.label).toBe('Server');
});

test('defaults are filled in, and typed numbers are numbers', () => {
  expect(payload(mail, filled)).toEqual({
    settings: {
      address: 'ada@home.example', imap_host: 'imap', imap_port: 993, imap_security: 'tls', smtp_host: 'smtp', smtp_port: 465, smtp_security: 'tls'
    },
    secrets: { password: 'not a real one' }
  });
});

test('a secret is sent as it was typed', () => {
  expect(payload(mail, { ...filled, password: ' with spaces ' }).secrets.password).toBe(' with spaces ');
});

test('what is missing or wrong is named per field', () => {
  const found = mistakes(mail, { ...filled, address: 'ada', imap_host: ' ', imap_port: '70000', smtp_port: 'x' });
  expect(Object.keys(found)).toEqual(['address', 'imap_host', 'imap_port', 'smtp_port']);
  expect(mistakes(mail, filled)).toEqual({});
});

test('settings of a known account come back, its secrets do not', () => {
  const values = initialValues(mail, { imap_host: 'imap.home.example', imap_port: 143, password: 'never' });
  expect(values.imap_host).toBe('imap.home.example');
  expect(values.imap_port).toBe('143');
  expect(values.password).toBe('');
});

test('an optional type is read as that type', () => {
  const [field] = fieldOf({ anyOf: [{ type: 'integer', minimum: 1 }, { type: 'null' }], default: null });
  expect(field).toMatchObject({ kind: 'integer', minimum: 1, initial: '', required: false, label: 'It' });
});

test('yes and no, lists and patterns are asked for', () => {
  expect(fieldOf({ type: 'boolean', default: true })[0]).toMatchObject({ kind: 'boolean', initial: true });
  const lines = fieldOf({ type: 'array', items: { type: 'string' } });
  expect(payload(lines, { it: 'a\n\n b ' }).settings).toEqual({ it: ['a', 'b'] });
  expect(mistakes(fieldOf({ type: 'string', pattern: '^a+$' }), { it: 'b' })).toHaveProperty('it');
  expect(mistakes(fieldOf({ type: 'string', pattern: '(' }), { it: 'b' })).toEqual({});
});

test('what is seldom changed is known as that; a secret only where it may be left out', () => {
  expect(fieldOf({ type: 'string', advanced: true })[0]).toMatchObject({ advanced: true });
  expect(fieldOf({ type: 'string', advanced: 'yes' })[0]).toMatchObject({ advanced: false });
  const secret = (required: string[]) =>
    fieldsOf({ settings_schema: {}, secrets_schema: { properties: { it: { type: 'string', advanced: true } }, required } })[0];
  expect(secret(['it'])).toMatchObject({ advanced: false });
  expect(secret([])).toMatchObject({ advanced: true });
});

test('a schema that is no schema asks nothing', () => {
  expect(fieldsOf({ settings_schema: {}, secrets_schema: { properties: 7 } })).toEqual([]);
});
