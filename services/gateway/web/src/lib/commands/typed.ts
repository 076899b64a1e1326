import type { Command } from '$lib/api/types';
import { type FormField, type Values, fieldsOfForm, initialValues, mistakes } from '$lib/forms/schema';
import { words } from '$lib/words';

/** The questions of a command, with its accounts by their names. */
export function questionsOf(command: Command): FormField[] {
  const names = Object.fromEntries(command.accounts.map((each) => [each.id, each.name]));
  return fieldsOfForm(command.form).map((field) =>
    field.name === 'account' ? { ...field, labels: names, blank: field.required ? '' : words.commands.everyAccount } : field
  );
}

/** What stands in a command's form at first: its defaults, what is known, and the oldest account where one is needed. */
export function startingValues(command: Command, known: Record<string, unknown> = {}): Values {
  const questions = questionsOf(command);
  const values = initialValues(questions, known);
  const account = questions.find((field) => field.name === 'account');
  if (account?.required && !values.account) values.account = account.options[0] ?? '';
  return values;
}

/** The commands that a text may become: those whose name begins as it does. Empty where it is no command. */
export function matching(text: string, commands: readonly Command[]): Command[] {
  const begun = /^\/([a-z]*)$/i.exec(text)?.[1]?.toLowerCase();
  return begun === undefined ? [] : commands.filter((each) => each.name.startsWith(begun));
}

const COMMAND = /^\/([a-z]+)(?:\s+([\s\S]*))?$/i;

/** Whether a text is written as a command that is not on the list: it may not have come yet, or be older than an account. */
export function namesUnknown(text: string, commands: readonly Command[]): boolean {
  const name = COMMAND.exec(text.trim())?.[1]?.toLowerCase();
  return name !== undefined && !commands.some((each) => each.name === name);
}

/** A command that was typed out, what follows its name in the first field that takes it; null where it is none. */
export function typed(text: string, commands: readonly Command[]): { command: Command; values: Values; isWhole: boolean } | null {
  const [, name = '', rest = ''] = COMMAND.exec(text.trim()) ?? [];
  const command = commands.find((each) => each.name === name.toLowerCase());
  if (!command) return null;
  const questions = questionsOf(command);
  const values = startingValues(command);
  const place = questions.find((field) => field.kind === 'text' || field.kind === 'list');
  if (rest && place) values[place.name] = rest.trim();
  const isWhole = (!rest || place !== undefined) && Object.keys(mistakes(questions, values)).length === 0;
  return { command, values, isWhole };
}
