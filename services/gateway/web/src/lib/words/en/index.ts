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

/** English: the measure of every other language. */
export const words = {
  signIn, remedy, hook, accounts, routes,
  chat, files, versions, receipts, commands, tries, call, approval, undo, doubt, plan, rules,
  chats, palette, shortcuts, queue,
  data, moving, keys,
  login, setup, join, password, ways,
  ...general, errors, shell, settings, voice,
  search, sources, change, home, rooms,
  tokens, model,
  people, told, house,
  usage, activity, left,
  notices, schedules, memory,
  security, passkeys
} as const;
