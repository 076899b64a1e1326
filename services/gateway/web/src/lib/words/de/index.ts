import type { Words } from '../types';
import { accounts, hook, remedy, routes, signIn } from './accounts';
import { approval, call, chat, commands, doubt, files, plan, receipts, rules, tries, undo, versions } from './chat';
import { chats, palette, queue, shortcuts } from './conversations';
import { data, keys, moving } from './data';
import { join, login, password, setup, ways } from './entry';
import { errors, general, settings, shell, voice } from './general';
import { change, home, rooms, search, sources } from './home';
import { model, tokens } from './model';
import { house, people, told } from './people';
import { activity, left, usage } from './record';
import { memory, notices, schedules } from './schedules';
import { passkeys, security } from './security';

/** What the server says, which nobody needs before it has said something. */
export const server = () => import('./server').then((loaded) => loaded.server);

/** German, in the second person singular and the calm tone of the English. */
export const words: Words = {
  ...general, errors, shell, settings, voice,
  chats, palette, shortcuts, queue, search, sources, change, home, rooms,
  login, setup, join, password, ways, security, passkeys,
  chat, files, versions, receipts, commands, tries, call, approval, undo, doubt, plan, rules,
  signIn, remedy, hook, accounts, routes,
  usage, activity, left,
  schedules, memory, notices,
  data, moving, keys,
  people, told, house,
  tokens, model
};
