import { heard, words } from '$lib/words';
import type { CheckStep } from './types';

/** An error answer of the gateway (RFC 9457), or the network's failure to give one (status 0). */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly fields: Readonly<Record<string, string>> = {},
    readonly steps: readonly CheckStep[] = [],
    readonly action: string | null = null,
    readonly reason: string | null = null,
    readonly url: string | null = null
  ) {
    super(detail || title);
  }
}

type Json = Record<string, unknown>;

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The problem in an error answer's body, whatever its state. */
export function problemOf(status: number, body: unknown): Problem {
  if (!isJson(body)) return new Problem(status, 'internal', words.errors.title, words.errors.status(status));
  return new Problem(
    status,
    textOf(body.code) || 'internal',
    heard(textOf(body.title)),
    heard(textOf(body.detail)) || heard(textOf(body.title)) || words.errors.status(status),
    fieldsOf(body.fields),
    stepsOf(body.steps),
    textOf(body.action) || null,
    textOf(body.reason) || null,
    textOf(body.url) || null
  );
}

/** The problem for anything that was thrown on the way. */
export function problemFrom(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  return new Problem(0, 'unreachable', words.errors.unreachableTitle, words.errors.unreachable);
}

/** `fields` is an object {name: message} or a list of {name|field, detail|message}. */
function fieldsOf(value: unknown): Record<string, string> {
  const pairs: [string, unknown][] = Array.isArray(value)
    ? value.filter(isJson).map((item) => [textOf(item.name) || textOf(item.field), item.detail ?? item.message])
    : isJson(value)
      ? Object.entries(value)
      : [];
  return Object.fromEntries(pairs.map(([name, detail]) => [name.split('.').at(-1) ?? name, heard(textOf(detail))]));
}

function stepsOf(value: unknown): CheckStep[] {
  if (!Array.isArray(value)) return [];
  return value
    .filter(isJson)
    .map((step) => ({ name: textOf(step.name), ok: step.ok === true, detail: textOf(step.detail) }));
}
