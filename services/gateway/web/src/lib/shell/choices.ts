import { words } from '$lib/words';

/** Something that the palette offers; `also` are words by which it is found, too. */
export interface Choice {
  id: string;
  title: string;
  also?: string;
}

/** The pages that there are, in the order in which one meets them. */
export function pages(isOwner: boolean): (Choice & { path: string })[] {
  const { shell } = words;
  const all: [string, string][] = [
    ['/', shell.home],
    ['/search', shell.search],
    ['/conversations', words.chats.find],
    ['/conversations?show=archived', words.chats.archive],
    ['/approvals', shell.approvals],
    ['/schedules', shell.schedules],
    ['/memory', shell.memory],
    ['/accounts', shell.accounts],
    ['/activity', shell.activity],
    ['/activity/left', words.left.title],
    ['/model', shell.model],
    ['/usage', shell.usage],
    ['/notices', shell.notices],
    ['/security', shell.security],
    ['/signin', words.ways.title],
    ['/tokens', words.tokens.title],
    ['/data', shell.data],
    ...(isOwner ? ([['/people', shell.people], ['/house', shell.house]] as [string, string][]) : []),
    ['/password', words.password.title],
    ['/about', shell.about]
  ];
  return all.map(([path, title]) => ({ id: path, path, title }));
}

const plain = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();

/** Those that have all the words, by the beginning of one of theirs first. */
export function fitting<Any extends Choice>(choices: readonly Any[], typed: string): Any[] {
  const sought = plain(typed).split(/\s+/).filter(Boolean);
  const fits = choices
    .map((choice) => ({ choice, text: plain(`${choice.title} ${choice.also ?? ''}`) }))
    .filter(({ text }) => sought.every((word) => text.includes(word)));
  const begins = (text: string): boolean => sought.every((word) => text.split(/\s+/).some((each) => each.startsWith(word)));
  return [...fits.filter(({ text }) => begins(text)), ...fits.filter(({ text }) => !begins(text))].map(({ choice }) => choice);
}
