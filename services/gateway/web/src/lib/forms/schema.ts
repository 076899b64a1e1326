import type { Connector } from '$lib/api/types';
import { heard, words } from '$lib/words';

export type Kind = 'text' | 'email' | 'url' | 'integer' | 'number' | 'boolean' | 'choice' | 'password' | 'lines' | 'list' | 'multiline' | 'day' | 'moment';
export type Value = string | boolean;
export type Values = Record<string, Value>;

/** One question of a connector's form, as its JSON Schema puts it. */
export interface FormField {
  name: string;
  secret: boolean;
  kind: Kind;
  /** What stands before a colon in the title; fields of one group stand together. */
  group: string;
  label: string;
  hint: string;
  required: boolean;
  initial: Value;
  options: string[];
  /** What options are called, where not as they are written. */
  labels: Record<string, string>;
  /** What it is called when no option is chosen; empty where one must be. */
  blank: string;
  minimum: number | null;
  maximum: number | null;
  maxLength: number | null;
  pattern: string;
  /** Seldom changed, and not asked for unasked. */
  advanced: boolean;
}

type Json = Record<string, unknown>;

/** The fields in the order to ask them: what stands alone, then the secrets, then the groups. */
export function fieldsOf(connector: Pick<Connector, 'settings_schema' | 'secrets_schema'>): FormField[] {
  const settings = read(connector.settings_schema, false);
  const secrets = read(connector.secrets_schema, true);
  return [...settings.filter((field) => !field.group), ...secrets, ...settings.filter((field) => field.group)];
}

/** The fields of one form, in its own order. */
export const fieldsOfForm = (form: Json): FormField[] => read(form, false);

/** Neighbours of the same group together. */
export function groupsOf(fields: readonly FormField[]): { title: string; fields: FormField[] }[] {
  const groups: { title: string; fields: FormField[] }[] = [];
  for (const field of fields) {
    const last = groups.at(-1);
    if (last?.title === field.group) last.fields.push(field);
    else groups.push({ title: field.group, fields: [field] });
  }
  return groups;
}

/** What stands in the fields at first; `known` are the settings of an account that is connected again. */
export function initialValues(fields: readonly FormField[], known: Json = {}): Values {
  return Object.fromEntries(fields.map((field) => [field.name, shown(field, field.secret ? undefined : known[field.name])]));
}

function shown(field: FormField, known: unknown): Value {
  if (known === undefined || known === null) return field.initial;
  if (typeof known === 'boolean') return known;
  return Array.isArray(known) ? known.join(field.kind === 'list' ? ', ' : '\n') : String(known);
}

/** What is wrong, by field. The server checks again; this only saves the way there. */
export function mistakes(fields: readonly FormField[], values: Values): Record<string, string> {
  const found = fields.map((field): [string, string] => [field.name, mistake(field, values[field.name] ?? '')]);
  return Object.fromEntries(found.filter(([, text]) => text));
}

function mistake(field: FormField, value: Value): string {
  if (typeof value === 'boolean') return '';
  const text = field.secret ? value : value.trim();
  if (!text) return field.required ? words.accounts.required : '';
  if (field.kind === 'integer' || field.kind === 'number') return numberMistake(field, text);
  if (field.kind === 'email' && !/^[^\s@]+@[^\s@]+$/.test(text)) return words.accounts.badEmail;
  if (field.kind === 'list') return listMistake(field, listed(text));
  if ((field.kind === 'day' || field.kind === 'moment') && !/^\d{4}-\d\d-\d\d/.test(text)) return words.commands.noDay;
  if (field.kind === 'url' && !/^https?:\/\/[^\s/]+/i.test(text)) return words.accounts.badUrl;
  if (field.pattern && !matches(field.pattern, text)) return words.accounts.badForm;
  return '';
}

const MAILBOX = /^[^<>@]*<[^\s@<>,]+@[^\s@<>,]+>$|^[^\s@<>,]+@[^\s@<>,]+$/;

function listMistake(field: FormField, addresses: string[]): string {
  if (!addresses.length && field.required) return words.accounts.required;
  return addresses.every((each) => MAILBOX.test(each)) ? '' : words.accounts.badEmail;
}

function numberMistake(field: FormField, text: string): string {
  const value = Number(text);
  if (!Number.isFinite(value) || (field.kind === 'integer' && !Number.isInteger(value))) return words.accounts.wholeNumber;
  if (field.minimum !== null && value < field.minimum) return words.accounts.atLeast(field.minimum);
  if (field.maximum !== null && value > field.maximum) return words.accounts.atMost(field.maximum);
  return '';
}

/** The values as the API takes them; what was left empty and is not asked for is left out. */
export function payload(fields: readonly FormField[], values: Values): { settings: Json; secrets: Record<string, string> } {
  const settings: Json = {};
  const secrets: Record<string, string> = {};
  for (const field of fields) {
    const value = values[field.name] ?? '';
    if (field.secret) {
      if (value !== '') secrets[field.name] = String(value);
    } else if (typeof value === 'boolean' || value.trim() !== '') settings[field.name] = typed(field, value);
  }
  return { settings, secrets };
}

function typed(field: FormField, value: Value): unknown {
  if (typeof value === 'boolean') return value;
  if (field.kind === 'integer' || field.kind === 'number') return Number(value);
  if (field.kind === 'list') return listed(value);
  if (field.kind === 'lines') return value.split('\n').map((line) => line.trim()).filter(Boolean);
  return value.trim();
}

/** What stands between commas, semicolons or line breaks; a comma inside quotes does not count. */
function listed(value: string): string[] {
  const pieces = value.match(/(?:"[^"]*"|[^,;\n])+/g) ?? [];
  return pieces.map((piece) => piece.trim()).filter(Boolean);
}

function read(schema: Json, secret: boolean): FormField[] {
  const properties = isJson(schema.properties) ? schema.properties : {};
  const required = Array.isArray(schema.required) ? schema.required : [];
  return Object.entries(properties)
    .filter((entry): entry is [string, Json] => isJson(entry[1]))
    .map(([name, property]) => fieldOf(name, plain(property), secret, required.includes(name)));
}

/** An optional type, written as a choice between it and null, as that type. */
function plain(property: Json): Json {
  const options = property.anyOf ?? property.oneOf;
  const inner = Array.isArray(options) ? options.filter(isJson).find((option) => option.type !== 'null') : undefined;
  return inner ? { ...property, ...inner } : property;
}

function fieldOf(name: string, property: Json, secret: boolean, required: boolean): FormField {
  const title = text(property.title) || sentence(name.replaceAll('_', ' '));
  const [, group = '', rest = title] = /^([^:]+):\s+(.+)$/.exec(title) ?? [];
  const kind = kindOf(property, secret);
  return {
    name,
    secret,
    kind,
    group: secret ? '' : heard(group.trim()),
    label: sentence(heard(secret ? title : rest, kind)),
    hint: heard(text(property.description)),
    required,
    initial: kind === 'boolean' ? property.default === true : (shownDefault(property.default) ?? ''),
    options: Array.isArray(property.enum) ? property.enum.map(String) : [],
    labels: {},
    blank: '',
    minimum: number(property.minimum),
    maximum: number(property.maximum),
    maxLength: number(property.maxLength),
    pattern: text(property.pattern),
    advanced: property.advanced === true && !(secret && required)
  };
}

function kindOf(property: Json, secret: boolean): Kind {
  if (Array.isArray(property.enum)) return 'choice';
  if (secret || property.format === 'password' || property.writeOnly === true) return 'password';
  if (property.type === 'integer' || property.type === 'number' || property.type === 'boolean') return property.type;
  if (property.type === 'array') return isJson(property.items) && property.items.format === 'mailbox' ? 'list' : 'lines';
  if (property.format === 'multiline') return 'multiline';
  if (property.format === 'date') return 'day';
  if (property.format === 'day-or-time') return 'moment';
  if (property.format === 'email') return 'email';
  return property.format === 'uri' || property.format === 'url' ? 'url' : 'text';
}

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);
const sentence = (value: string): string => value.charAt(0).toUpperCase() + value.slice(1);
const shownDefault = (value: unknown): string | null =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : null;

function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(value);
  } catch {
    return true;
  }
}
