export const chats = {
  title: 'Find a conversation',
  find: 'Find a conversation',
  archive: 'Archive',
  pinned: 'Pinned',
  today: 'Today',
  yesterday: 'Yesterday',
  week: 'Last 7 days',
  older: 'Show older',
  label: 'Label',
  anyLabel: 'All',
  noneOfLabel: 'No conversation here has this label.',
  rename: 'Rename',
  renameOf: (title: string) => `New title of “${title}”`,
  renameHint: 'Empty: as its first words',
  pin: 'Pin',
  unpin: 'Unpin',
  labels: 'Labels …',
  archiveIt: 'Archive',
  unarchive: 'Take out of the archive',
  exportMarkdown: 'Save as Markdown',
  exportJson: 'Save as JSON',
  labelsTitle: (title: string) => `Labels of “${title}”`,
  labelsText: 'A few words of your own, to find it by. They go with the conversation when it is deleted.',
  labelNew: 'Another label',
  labelAdd: 'Add',
  labelRemove: (label: string) => `Remove ${label}`,
  labelsKnown: 'Used elsewhere',
  labelsMost: (most: number) => `That is ${most}, and no more fit.`,
  labelsNone: 'No labels yet.',
  save: 'Save',
  cancel: 'Cancel',
  words: 'Words that were said',
  wordsHint: 'All of them must stand in one message. “In quotes” as they follow each other.',
  show: 'Show',
  shows: { current: 'Current', archived: 'Archive' },
  searching: 'Searching …',
  found: (count: number, more: boolean) =>
    count === 0 ? 'Nothing was found.' : `${more ? 'The newest ' : ''}${count} ${count === 1 ? 'message' : 'messages'}`,
  byTitle: 'By title or label',
  byWords: 'By what was said',
  nothing: 'Nothing was found.',
  nothingText: 'Try fewer words, or their beginnings. The archive is searched, too.',
  none: 'No conversations yet.',
  noneText: 'What you ask is kept here, until you delete it or say under Your data how long.',
  noneArchived: 'The archive is empty.',
  noneArchivedText: 'Archive what you are done with: it leaves the list, stays whole, and is still found here.',
  more: 'Show more',
  inArchive: 'in the archive',
  who: { user: 'You', assistant: 'Assistant' },
  done: {
    pinned: 'Pinned.',
    unpinned: 'Unpinned.',
    archived: 'Archived.',
    unarchived: 'Out of the archive.',
    renamed: 'Renamed.',
    labelled: 'Labels saved.'
  }
} as const;

export const palette = {
  title: 'Go to, find, do',
  input: 'Type a page, a conversation, a word that was said',
  groups: { do: 'Do', go: 'Go to', chats: 'Conversations', said: 'Said in' },
  results: (count: number) => (count === 0 ? 'Nothing fits.' : `${count} ${count === 1 ? 'choice' : 'choices'}`),
  light: 'Appearance: light',
  dark: 'Appearance: dark',
  system: 'Appearance: as the system'
} as const;

export const shortcuts = {
  title: 'Keyboard shortcuts',
  text: 'They rest while you type.',
  close: 'Close',
  single: 'Shortcuts of one key',
  singleText: 'Turn them off if you speak to your computer, or press keys by accident. Those with Ctrl or ⌘ stay.',
  of: {
    palette: 'Go to, find, do',
    new: 'New conversation',
    search: 'Find a conversation',
    next: 'Next conversation',
    previous: 'Previous conversation',
    compose: 'Write a message',
    approvals: 'Decisions',
    help: 'This list'
  }
} as const;

export const queue = {
  title: 'Waits to be sent',
  waits: 'Goes out when the answer ends, while this conversation is open in this window.',
  decision: 'Waits for your decision above, and goes out after the answer to it.',
  held: 'Not sent, because what it was to follow broke off or was stopped.',
  edit: 'Edit',
  editOf: (text: string) => `Edit: ${text}`,
  removeOf: (text: string) => `Take back: ${text}`,
  sendNow: 'Send now',
  add: 'Send when the answer ends'
} as const;
