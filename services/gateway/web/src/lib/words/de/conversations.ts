import { counting } from '../plural';
import type { Words } from '../types';

const so = counting('de');

export const chats: Words['chats'] = {
  title: 'Unterhaltung finden',
  find: 'Unterhaltung finden',
  archive: 'Archiv',
  pinned: 'Angeheftet',
  today: 'Heute',
  yesterday: 'Gestern',
  week: 'Letzte 7 Tage',
  older: 'Ältere zeigen',
  label: 'Label',
  anyLabel: 'Alle',
  noneOfLabel: 'Keine Unterhaltung hier hat dieses Label.',
  rename: 'Umbenennen',
  renameOf: (title) => `Neuer Titel von „${title}“`,
  renameHint: 'Leer: wie ihre ersten Worte',
  pin: 'Anheften',
  unpin: 'Lösen',
  labels: 'Labels …',
  archiveIt: 'Archivieren',
  unarchive: 'Aus dem Archiv holen',
  exportMarkdown: 'Als Markdown speichern',
  exportJson: 'Als JSON speichern',
  labelsTitle: (title) => `Labels von „${title}“`,
  labelsText: 'Ein paar eigene Worte, um sie wiederzufinden. Sie gehen mit der Unterhaltung, wenn die gelöscht wird.',
  labelNew: 'Noch ein Label',
  labelAdd: 'Hinzufügen',
  labelRemove: (label) => `${label} entfernen`,
  labelsKnown: 'Anderswo verwendet',
  labelsMost: (most) => `Das sind ${most}, und mehr passen nicht.`,
  labelsNone: 'Noch keine Labels.',
  save: 'Speichern',
  cancel: 'Abbrechen',
  words: 'Worte, die gefallen sind',
  wordsHint: 'Alle müssen in einer Nachricht stehen. „In Anführungszeichen“, wie sie aufeinander folgen.',
  show: 'Zeigen',
  shows: { current: 'Laufende', archived: 'Archiv' },
  searching: 'Wird gesucht …',
  found: (count, more) =>
    count === 0 ? 'Nichts gefunden.' : `${more ? 'Die neuesten ' : ''}${so(count, { one: 'Nachricht', other: 'Nachrichten' })}`,
  byTitle: 'Nach Titel oder Label',
  byWords: 'Nach dem, was gesagt wurde',
  nothing: 'Nichts gefunden.',
  nothingText: 'Versuche es mit weniger Worten oder mit ihren Anfängen. Auch im Archiv wird gesucht.',
  none: 'Noch keine Unterhaltungen.',
  noneText: 'Was du fragst, bleibt hier, bis du es löschst oder unter „Deine Daten“ sagst, wie lange.',
  noneArchived: 'Das Archiv ist leer.',
  noneArchivedText: 'Archiviere, womit du fertig bist: Es verlässt die Liste, bleibt ganz und ist hier weiter zu finden.',
  more: 'Mehr zeigen',
  inArchive: 'im Archiv',
  who: { user: 'Du', assistant: 'Assistent' },
  done: {
    pinned: 'Angeheftet.',
    unpinned: 'Gelöst.',
    archived: 'Archiviert.',
    unarchived: 'Aus dem Archiv geholt.',
    renamed: 'Umbenannt.',
    labelled: 'Labels gespeichert.'
  }
};

export const palette: Words['palette'] = {
  title: 'Öffnen, finden, tun',
  input: 'Tippe eine Seite, eine Unterhaltung, ein Wort, das fiel',
  groups: { do: 'Tun', go: 'Öffnen', chats: 'Unterhaltungen', said: 'Gesagt in' },
  results: (count) => (count === 0 ? 'Nichts passt.' : so(count, { one: 'Vorschlag', other: 'Vorschläge' })),
  light: 'Darstellung: hell',
  dark: 'Darstellung: dunkel',
  system: 'Darstellung: wie das System'
};

export const shortcuts: Words['shortcuts'] = {
  title: 'Tastenkürzel',
  text: 'Sie ruhen, während du tippst.',
  close: 'Schließen',
  single: 'Kürzel aus einer Taste',
  singleText: 'Schalte sie aus, wenn du mit deinem Rechner sprichst oder leicht aus Versehen Tasten drückst. Die mit Strg oder ⌘ bleiben.',
  of: {
    palette: 'Öffnen, finden, tun',
    new: 'Neue Unterhaltung',
    search: 'Unterhaltung finden',
    next: 'Nächste Unterhaltung',
    previous: 'Vorige Unterhaltung',
    compose: 'Nachricht schreiben',
    approvals: 'Entscheidungen',
    help: 'Diese Liste'
  }
};

export const queue: Words['queue'] = {
  title: 'Wartet auf das Senden',
  waits: 'Geht hinaus, wenn die Antwort endet, solange diese Unterhaltung in diesem Fenster offen ist.',
  decision: 'Wartet auf deine Entscheidung oben und geht nach der Antwort darauf hinaus.',
  held: 'Nicht gesendet, weil das, worauf es folgen sollte, abgebrochen ist oder angehalten wurde.',
  edit: 'Bearbeiten',
  editOf: (text) => `Bearbeiten: ${text}`,
  removeOf: (text) => `Zurücknehmen: ${text}`,
  sendNow: 'Jetzt senden',
  add: 'Senden, wenn die Antwort endet'
};
