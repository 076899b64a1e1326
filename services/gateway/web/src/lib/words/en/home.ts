export const search = {
  title: 'Search',
  intro: 'In everything that is connected, in your conversations and in what is remembered, at once. It asks when you press Enter, and not while you type.',
  label: 'Search in everything',
  placeholder: 'Words that must occur',
  go: 'Search',
  abroad: (names: string) => `${names} may be searched at the provider, too: what you type then goes there. All else is searched in this house.`,
  said: (count: number, silent: readonly string[]) =>
    `${count === 1 ? 'One result' : `${count} results`}.${silent.length ? ` No answer from: ${silent.join(', ')}.` : ''}`,
  silent: (name: string) => `${name} did not answer.`,
  reset: 'Start over',
  from: (source: string) => `From ${source}`,
  close: 'Close',
  content: 'Content',
  talks: 'Your conversations',
  talksSilent: 'Your conversations could not be searched.',
  toTalks: 'Older ones',
  memories: 'Remembered',
  toMemory: 'Open the memory',
  recent: 'Searched before',
  recentText: 'Kept in this browser alone.',
  forget: 'Forget them',
  none: 'Nothing is connected yet',
  noneText: 'Connect a mailbox, a calendar or a drive, and everything in it can be found here.',
  tipsTitle: 'What helps',
  tips: [
    'All words must occur; beginnings of words will do.',
    'Mail also knows from:carol, subject:lease and after:2026-01-31.',
    'Choose a result to read it here. Nothing is loaded from elsewhere.'
  ]
} as const;

export const change = {
  begin: 'Change',
  title: 'Change this',
  save: 'Save',
  cancel: 'Leave it as it is',
  same: 'Nothing is different from before.',
  hint: 'You can take it back afterwards.'
} as const;

export const sources = {
  title: 'Sources',
  more: (count: number) => `${count} more`,
  fewer: 'Fewer',
  of: (number: number, title: string) => `Source ${number}: ${title}`,
  gone: 'This is not there any more, or no longer under this account.',
  open: (host: string) => `Open at ${host}`
} as const;

export const home = {
  title: 'Home',
  agenda: 'Today',
  free: 'Nothing is in your calendars today.',
  noCalendar: 'Connect a calendar, and the day stands here.',
  connect: 'Connect a service',
  mail: 'May want an answer',
  mailText: 'Unread mail of the last 30 days that was written to you alone, as far as it was read here. Mailing lists and senders that take no answers are left out.',
  noMail: 'Connect a mailbox, and mail that may want an answer stands here.',
  noneWaits: 'No unread mail was written to you alone.',
  turns: 'Under way',
  waits: 'Waits for you since',
  nothingWaits: 'Nothing runs, and nothing waits for you.',
  next: 'Next by itself',
  noSchedules: 'Nothing is scheduled. A schedule asks something for you every morning, or every Monday.',
  health: 'Health',
  away: 'Does not answer since',
  attention: 'It needs you.',
  well: 'Every part of the house answers, and every account works.',
  unknown: 'It is not known at the moment how the house is.'
} as const;

export const rooms = {
  title: 'This house',
  intro: 'How the rooms are in which it runs, its copies and its keys. Nobody’s content stands here.',
  ownerOnly: 'Only the owner of this house sees how its rooms are.',
  rooms: 'Rooms',
  whole: 'Every room answers.',
  missing: (count: number) => `${count} ${count === 1 ? 'room does' : 'rooms do'} not answer.`,
  names: { gateway: 'Gateway', agent: 'Agent', vault: 'Vault', audit: 'Witness' } as Record<string, string>,
  answers: 'Answers',
  away: 'Does not answer since',
  version: (version: string) => (version ? `Version ${version}` : 'Version not told'),
  since: 'started',
  unsaid: 'It does not say which version it runs.',
  noInstance: 'No instance of it runs.',
  versions: 'Versions',
  versionOf: (version: string, protocol: number) =>
    `The house runs version ${version}. Its rooms speak protocol ${protocol} with each other. Each room brings its files up to its own version when it starts; an older program refuses them.`,
  copies: {
    title: 'Copies',
    none: 'Nobody makes copies of this house. The guide “Copies” says how they are made every night.',
    good: 'Last good copy',
    never: 'none yet',
    tried: 'Last try',
    file: 'File',
    restored: 'Restored',
    from: 'from a copy that was taken'
  },
  people: 'Who lives here, who is invited, and who runs the house.',
  toPeople: 'Open the people'
} as const;
