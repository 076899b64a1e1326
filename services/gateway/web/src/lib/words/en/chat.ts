export const chat = {
  title: 'Chat',
  conversation: 'Conversation',
  you: 'You',
  assistant: 'Assistant',
  composer: 'Your message',
  placeholder: 'Ask, or type /',
  placeholderBare: 'Type / for commands',
  send: 'Send',
  stop: 'Stop',
  stopping: 'Stopping …',
  retry: 'Try again',
  thinking: 'Thinking',
  stopped: 'Stopped. What was done until then is shown above.',
  failed: 'The answer broke off.',
  outside: (from: string) => `Came with ${from === 'an archive' ? from : `an export of ${from}`}`,
  failedSafe: 'What came so far is kept. Sending and deleting ask you again.',
  copyAnswer: 'Copy',
  formula: 'Formula',
  copyRefused: 'Not allowed here',
  tokens: (count: string) => `${count} tokens`,
  usage: (input: string, output: string) => `This answer: ${input} tokens read, ${output} written`,
  cached: (count: string) => `${count} of those read were kept by the provider`,
  estimated: 'estimated, for the provider did not count',
  cost: (amount: string) => `cost ${amount}`,
  reconnecting: 'Connection lost. Reconnecting; nothing is lost.',
  toEnd: 'To the newest',
  emptyTitle: (name: string) => `Good to see you, ${name}.`,
  emptyText: 'Four things to try',
  noModelTitle: 'No model yet',
  noModel: 'With one, you can ask in your own words. Commands work without.',
  addModel: 'Add a model',
  noAccountsTitle: 'Nothing connected',
  noAccounts: 'Connect your mail or calendar, and it can look things up and act for you.',
  addAccount: 'Connect a service',
  waitingHint: 'A decision waits above. Writing something else withdraws it.',
  gone: 'This conversation no longer exists.',
  goneText: 'It was deleted, perhaps in another window.',
  imageBlocked: (alt: string, host: string) => `Image not loaded${alt ? `: ${alt}` : ''} (${host})`,
  code: 'Code',
  table: 'Table',
  long: (shown: string, all: string) => `This answer is very long: ${shown} of ${all} characters are shown.`,
  longRest: 'Show the rest as plain text',
  rest: 'The rest of the answer',
  linkTitle: 'Open this address?',
  linkText:
    'It carries more than a plain page address does, and the assistant wrote it. Whoever runs the site sees all of it.',
  linkOpen: 'Open',
  linkCancel: 'Don’t open'
} as const;

export const files = {
  add: 'Give files',
  choose: 'Choose files',
  photo: 'Take a photo',
  drop: 'Drop them here to give them with your message',
  chosen: 'Files that go along',
  given: 'Files of this message',
  save: 'Save',
  waits: 'Files go out when the answer has ended.',
  sending: 'Sending files …',
  reading: 'Being read …',
  ready: (count: number) => (count === 1 ? 'One file is ready.' : `${count} files are ready.`),
  refused: (name: string, why: string) => `${name}: ${why}`,
  progressOf: (name: string) => `How much of ${name} is sent`,
  removeOf: (name: string) => `Remove ${name}`,
  tooLarge: 'Larger than 20 MB.',
  tooMany: (most: number) => `A message takes ${most} files.`,
  empty: 'It is empty.',
  sharedText: 'Shared text',
  sharedLost: 'What you shared is not here any more. Share it once more.'
} as const;

export const versions = {
  title: 'Versions',
  edit: 'Edit',
  editOf: (text: string) => `Edit “${text}”`,
  editTitle: 'Edit your message',
  editHint: 'What was said and done so far stays, as another version.',
  cancel: 'Cancel',
  previous: 'Previous version',
  next: 'Next version',
  place: (at: number, all: number) => `Version ${at} of ${all}`,
  elsewhere: 'This belongs to another version of the conversation than the one that is shown there.',
  toVersion: 'Show that version'
} as const;

export const receipts = {
  title: 'What was done, from the activity record',
  none: 'Nothing was changed.',
  source: 'From the activity record, not from the model',
  reading: 'Reading the activity record …',
  away: 'The activity record cannot be read just now, so what was done is not shown.',
  to: (people: string) => `to ${people}`,
  show: 'Open it in Activity',
  states: {
    waiting: 'Waits for you:',
    refused: 'Not done, you said no:',
    expired: 'Not done, nobody decided:',
    withdrawn: 'Not done, withdrawn:',
    running: 'Under way:',
    done: 'Done:',
    failed: 'Not done, it failed:',
    unknown: 'May have been done:',
    confirmed: 'Done, as you said:',
    dismissed: 'Not done, as you said:'
  },
  claims: {
    send: 'It says that something was sent. The record says that nothing was.',
    delete: 'It says that something was deleted. The record says that nothing was.',
    change: 'It says that something was changed. The record says that nothing was.'
  }
} as const;

export const commands = {
  menu: 'Commands',
  open: 'Commands: what can be done without a model',
  count: (count: number) =>
    count === 1 ? 'One command. Enter chooses it.' : `${count} commands. The arrow keys move, Enter chooses.`,
  none: 'No connected service offers a command yet.',
  noneLink: 'Connect a service',
  close: (name: string) => `Close /${name}`,
  run: 'Go',
  asks: 'Nothing is sent before you have seen it and said yes.',
  everyAccount: 'Every account',
  timeOf: (label: string) => `${label}: time`,
  noDay: 'Give a day.',
  again: 'Use again',
  againOf: (text: string) => `Use again: ${text}`,
  results: (source: string) => `From ${source}`,
  nothing: 'Nothing found.',
  untitled: 'Without a title',
  asking: 'Asking …',
  working: 'Working',
  allDay: 'All day',
  unread: 'Unread',
  more: (count: number) => `Show ${count} more`,
  details: 'Details',
  homeTitle: 'What works without a model',
  homeText: 'Type / or choose one. Sending still asks you first.'
} as const;

export const tries = {
  mail: ['What came in since yesterday that needs an answer?', 'Find the last invoice in my mail and say when it is due.'],
  caldav: ['What is on my calendar this week?', 'Find a free hour on Thursday and put lunch in it.'],
  both: ['Is there a date in my newest mails that is missing from my calendar?'],
  none: [
    'What can you do once my mail is connected?',
    'Help me write a friendly letter to my landlord.',
    'Make a packing list for three days by the sea.',
    'Explain a lease in plain words.'
  ]
} as const;

export const call = {
  states: {
    proposed: 'Preparing',
    waiting: 'Waits for you',
    running: 'Running',
    done: 'Done',
    failed: 'Failed',
    denied: 'Not done',
    unknown: 'Outcome unknown'
  },
  effects: {
    read: 'reads',
    write: 'changes your data',
    send: 'reaches others',
    delete: 'cannot be undone'
  },
  arguments: 'What was asked for',
  result: 'What came back',
  noResult: 'Nothing came back yet.',
  outside: 'Contains text from outside',
  writtenBy: (authors: string) => `written by ${authors}`,
  unknown: 'The server did not answer. It may have been done. Check there before you ask for it again.',
  more: (count: number) => `and ${count} more`,
  approvedAs: 'What you approved',
  undo: 'Undo',
  undoOf: (title: string) => `Undo: ${title}`,
  undone: 'Taken back.'
} as const;

export const approval = {
  from: (account: string) => `from ${account}`,
  in: (account: string) => `in ${account}`,
  to: 'To',
  destinations: { recipient: 'To', attendee: 'With', url: 'Address', path: 'File', account: 'Account' } as Record<string, string>,
  because: 'Because you asked',
  quoted: (said: string) => `“${said}”`,
  outside: 'Taken from outside',
  outsideNone: 'nothing',
  warnings: 'Look twice',
  content: 'Exact content',
  dont: (confirm: string) => `Don’t ${confirm.charAt(0).toLowerCase()}${confirm.slice(1)}`,
  waitsUntil: 'Waits until',
  loading: 'Loading what is to be decided',
  deciding: 'Passing your decision on …',
  approved: 'You said yes.',
  denied: 'You said no. It was not done.',
  expired: 'It expired before anyone decided. It was not done.',
  void: 'It no longer holds, because the call changed. It was not done.',
  ask: (verb: string) => `${verb}?`,
  announce: (verb: string) => `A decision waits for you: ${verb}?`,
  intro: 'What the assistant may not do by itself waits here until you decide, oldest first.',
  none: 'Nothing waits for you.',
  noneText: 'Before the assistant sends or deletes something, the exact content appears here and in its conversation.',
  toConversation: 'Open the conversation',
  one: 'A decision',
  all: 'All decisions',
  gone: 'There is no such decision of yours. It may have been deleted with its conversation.',
  held: (seconds: number) => `It goes out in ${seconds} s`,
  takeBack: 'Take it back',
  sending: 'It goes out now …',
  heldHint: 'Something is about to go out. Then you can go on.',
  edit: 'Edit',
  editTitle: 'Change it before you decide',
  editSave: 'Show what it becomes',
  editCancel: 'Leave it',
  editHint: 'Nothing is done yet: you then see exactly what it becomes.',
  editNothing: 'There is nothing in it that can be changed here.',
  edited: 'You changed this. It is no longer what the assistant proposed.',
  whyNot: 'Say why not',
  whyNotLabel: 'Why not? The assistant is told this.',
  pending: (count: number) => `${count} ${count === 1 ? 'decision waits' : 'decisions wait'} for you`
} as const;

export const undo = {
  title: 'Can be taken back',
  intro: 'What has not gone out yet goes nowhere. What was changed is put back by an action of its own, which stands in the record as well.',
  done: 'Taken back:'
} as const;

export const doubt = {
  title: (count: number) => (count ? `${count} ${count === 1 ? 'thing needs' : 'things need'} your eyes` : 'What needs your eyes'),
  intro: 'The service did not answer when this was done, so it may have happened or not. Look there, then say what you saw. Nothing is repeated by itself.',
  look: 'Look again',
  sent: { yes: 'It was sent', no: 'It was not sent' },
  done: { yes: 'It was done', no: 'It was not done' },
  again: 'Try again, with a new question',
  away: (names: string) => `${names} could not be asked just now. More may be listed when it is back.`
} as const;

export const plan = {
  title: (count: number) => `${count} things wait for you`,
  intro: 'Tick what may be done. Each is shown whole above.',
  look: 'Look at it above first',
  run: (count: number) => (count === 1 ? 'Do the one that is ticked' : `Do the ${count} that are ticked`),
  none: 'Do none of them',
  rest: 'What is not ticked is not done.'
} as const;

export const rules = {
  title: 'Allowed beforehand',
  intro: 'This happens without a question, whatever was read before. Everything is in the activity record.',
  none: 'Nothing. A decision can be allowed for the next times, too: its card offers that where it is safe to.',
  always: 'Always allow …',
  allowTitle: 'Allow this beforehand?',
  allow: (confirm: string) => `Allow it, and ${confirm.charAt(0).toLowerCase()}${confirm.slice(1)}`,
  allowText: 'It then happens without a question, with any content, at most 30 times a day. Whatever looks odd is asked about all the same. You can revoke it at any time.',
  to: 'To',
  account: 'With',
  forHow: 'For how long?',
  lasts: { hour: 'An hour', conversation: 'This conversation', month: '30 days', year: 'A year' },
  passwordHint: 'Once more, because a rule acts without asking.',
  ends: 'Ends',
  uses: (count: number) => (count ? `used ${count === 1 ? 'once' : `${count} times`}` : 'not used yet'),
  oneConversation: 'in one conversation only',
  revoke: 'Revoke',
  revoked: 'Revoked. It is asked about again.'
} as const;
