export const general = {
  product: 'Open Assistant',
  skip: 'Skip to the content',
  loading: 'Loading',
  cancel: 'Cancel',
  tryAgain: 'Try again',
  showPassword: 'Show',
  hidePassword: 'Hide',
  optional: 'optional',
  choose: 'Choose …',
  copy: 'Copy',
  copied: 'Copied',
  justNow: 'just now'
} as const;

export const errors = {
  title: 'Something went wrong on the server.',
  status: (status: number) => `The server answered with error ${status}. Nothing was changed that is not shown here.`,
  unreachableTitle: 'No answer',
  unreachable: 'The server cannot be reached. What you typed is still here. Check the connection and try again.',
  pageUnreachable: 'A part of this page did not come. Check the connection and try again.',
  pageTitle: 'This page does not exist.',
  pageDetail: 'The address may be mistyped, or what it showed was deleted.',
  home: 'Go home',
  toAccounts: 'Open the connections',
  toUsage: 'See usage and limits'
} as const;

export const shell = {
  menu: 'Menu',
  closeMenu: 'Close the menu',
  main: 'Main',
  newChat: 'New conversation',
  places: 'Shortcuts',
  home: 'Home',
  search: 'Search',
  house: 'This house',
  conversations: 'Conversations',
  approvals: 'Decisions',
  noConversations: 'Your conversations will be listed here.',
  untitled: 'New conversation',
  accounts: 'Connections',
  schedules: 'Schedules',
  memory: 'Memory',
  activity: 'Activity',
  model: 'Model',
  usage: 'Usage',
  data: 'Your data',
  people: 'People',
  security: 'Security',
  about: 'About this house',
  notices: 'Notices',
  settings: 'Settings',
  you: 'You',
  theme: 'Appearance',
  themeSystem: 'As the system',
  themeLight: 'Light',
  themeDark: 'Dark',
  signOut: 'Sign out',
  waiting: 'waits for you',
  running: 'at work',
  actions: (title: string) => `More for “${title}”`,
  delete: 'Delete',
  deleteTitle: 'Delete this conversation?',
  deleteText: (title: string) =>
    `“${title}” and its messages are removed for good. What was done stays in the activity record. Mails that were sent stay sent.`,
  deleteMemories: 'Forget what is remembered from it, too',
  deleteConfirm: 'Delete',
  deleteCancel: 'Keep it',
  keys: 'Keyboard shortcuts'
} as const;

export const settings = {
  title: 'Settings',
  intro: 'How this house looks in this browser, and the way to whatever else can be chosen.',
  language: 'Language',
  languageText: 'Kept in this browser. The page loads anew when you choose.',
  asBrowser: 'As the browser',
  partly: 'What a service or the server says in its own words may still be in English.',
  themeText: 'Kept in this browser.',
  zone: 'Time zone',
  zoneText: (zone: string) => `Times are shown as in ${zone.replaceAll('_', ' ')}, the zone that this browser names.`,
  zoneNow: 'Here it is now:',
  zoneDays: 'Where a day of your limits begins is chosen under Usage.',
  more: 'Chosen elsewhere',
  texts: {
    model: 'Which model answers, and which one where something is private.',
    accounts: 'The services that are connected, and what models may see of each.',
    rules: 'What you allowed beforehand, and what can be taken back.',
    notices: 'Where you are told that something waits, and when not.',
    usage: 'What may be spent in an answer, a day and a month.',
    data: 'For how long things are kept, taking them along, and erasing.',
    tokens: 'What programs of yours may do here.',
    people: 'Who lives in this house, and invitations.'
  }
} as const;

export const voice = {
  title: 'Voice',
  text: 'Kept in this browser, and off until you choose it. All of it happens on this device: nothing that you say is sent to anybody to be written down.',
  reads: 'Read answers aloud',
  writes: 'Speak messages',
  noVoice: 'This browser has no voice on this device.',
  noWriting: 'This browser can write down what is said only by sending it to its maker, so it is not offered here.',
  fetched: 'Your browser first fetches the language from its maker, once.',
  read: 'Read aloud',
  stop: 'Stop reading',
  write: 'Speak your message',
  stopWriting: 'Stop listening',
  hears: 'Listening …',
  noMicrophone: 'The browser does not let this page use the microphone. Allow it beside the address, then try again.',
  broke: 'It could not be written down. Try again.'
} as const;
