import { type FormField, type Values, payload } from '$lib/forms/schema';

type Json = Record<string, unknown>;

/** What becomes another, as the API takes it: fields with their new values, and what was taken out of lists. */
export interface Changed {
  fields: Json;
  removed: string[];
}

/** What a form says that was not there before; null where that is nothing. `adds`: lists are only added to. */
export function changedIn(fields: readonly FormField[], values: Values, known: Json, adds: boolean): Changed | null {
  const now = payload(fields, values).settings;
  const changed: Changed = { fields: {}, removed: [] };
  for (const { name, kind } of fields) {
    if (kind === 'list' || kind === 'lines') {
      const [old, fresh] = [listOf(known[name]), listOf(now[name])];
      if (old.join('\n') === fresh.join('\n')) continue;
      const more = adds ? fresh.filter((each) => !old.includes(each)) : fresh;
      if (more.length || !adds) changed.fields[name] = more;
      if (adds) changed.removed.push(...old.filter((each) => !fresh.includes(each)));
    } else {
      const [old, fresh] = [plain(known[name]), plain(now[name])];
      if (old !== fresh) changed.fields[name] = fresh;
    }
  }
  return Object.keys(changed.fields).length || changed.removed.length ? changed : null;
}

const listOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(plain).filter(Boolean) : []);

/** As a browser's field gives it back. */
const plain = (value: unknown): string => (typeof value === 'string' ? value.replace(/\r\n?/g, '\n').trim() : '');
