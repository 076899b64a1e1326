import { type FormField, type Values, fieldsOfForm, payload } from '$lib/forms/schema';

type Json = Record<string, unknown>;

const LONG = 1_000;

/** The arguments of a call that a form can ask for; ids and what has parts of its own stay as they are. */
export function editable(parameters: Json, known: Json): FormField[] {
  const properties = isJson(parameters.properties) ? parameters.properties : {};
  return fieldsOfForm(parameters)
    .filter((field) => isPlain(known[field.name]) && !isReference(properties[field.name]))
    .map((field) => (field.kind === 'text' && (field.maxLength ?? 0) > LONG ? { ...field, kind: 'multiline' as const } : field));
}

/** The whole arguments with what was typed in the place of what was there; what was emptied is left out. */
export function edited(fields: readonly FormField[], values: Values, known: Json): Json {
  const names = new Set(fields.map((field) => field.name));
  const kept = Object.entries(known).filter(([name]) => !names.has(name));
  return { ...Object.fromEntries(kept), ...payload(fields, values).settings };
}

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

const isPlain = (value: unknown): boolean =>
  Array.isArray(value) ? value.every((each) => typeof each === 'string') : !isJson(value);

/** Whether a property names another thing by its id, which nobody types. */
const isReference = (property: unknown): boolean =>
  isJson(property) && /^(the |an? |its )?ids?\b/i.test(typeof property.description === 'string' ? property.description : '');
