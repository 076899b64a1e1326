import type { Words } from '../types';

type Single = { [Name in keyof Words]: Words[Name] extends string ? Name : never }[keyof Words];

export const general: Pick<Words, Single> = {
  product: 'Open Assistant',
  skip: 'Zum Inhalt springen',
  loading: 'Lädt',
  cancel: 'Abbrechen',
  tryAgain: 'Noch einmal versuchen',
  showPassword: 'Zeigen',
  hidePassword: 'Verbergen',
  optional: 'freiwillig',
  choose: 'Auswählen …',
  copy: 'Kopieren',
  copied: 'Kopiert',
  justNow: 'gerade eben'
};

export const errors: Words['errors'] = {
  title: 'Auf dem Server ist etwas schiefgegangen.',
  status: (status) => `Der Server hat mit Fehler ${status} geantwortet. Es wurde nichts geändert, was hier nicht steht.`,
  unreachableTitle: 'Keine Antwort',
  unreachable: 'Der Server ist nicht zu erreichen. Was du getippt hast, steht noch hier. Prüfe die Verbindung und versuche es noch einmal.',
  pageUnreachable: 'Ein Teil dieser Seite ist nicht angekommen. Prüfe die Verbindung und versuche es noch einmal.',
  pageTitle: 'Diese Seite gibt es nicht.',
  pageDetail: 'Vielleicht ist die Adresse vertippt, oder was hier stand, wurde gelöscht.',
  home: 'Zur Startseite',
  toAccounts: 'Verbindungen öffnen',
  toUsage: 'Verbrauch und Grenzen ansehen'
};

export const shell: Words['shell'] = {
  menu: 'Menü',
  closeMenu: 'Menü schließen',
  main: 'Hauptmenü',
  newChat: 'Neue Unterhaltung',
  places: 'Schnellzugriff',
  home: 'Start',
  search: 'Suche',
  house: 'Dieses Haus',
  conversations: 'Unterhaltungen',
  approvals: 'Entscheidungen',
  noConversations: 'Hier stehen bald deine Unterhaltungen.',
  untitled: 'Neue Unterhaltung',
  accounts: 'Verbindungen',
  schedules: 'Zeitpläne',
  memory: 'Gedächtnis',
  activity: 'Protokoll',
  model: 'Modell',
  usage: 'Verbrauch',
  data: 'Deine Daten',
  people: 'Personen',
  security: 'Sicherheit',
  about: 'Über dieses Haus',
  notices: 'Benachrichtigungen',
  settings: 'Einstellungen',
  you: 'Du',
  theme: 'Darstellung',
  themeSystem: 'Wie das System',
  themeLight: 'Hell',
  themeDark: 'Dunkel',
  signOut: 'Abmelden',
  waiting: 'wartet auf dich',
  running: 'arbeitet',
  actions: (title) => `Mehr zu „${title}“`,
  delete: 'Löschen',
  deleteTitle: 'Diese Unterhaltung löschen?',
  deleteText: (title) =>
    `„${title}“ und alle Nachrichten darin werden endgültig gelöscht. Was getan wurde, bleibt im Protokoll. Gesendete Mails bleiben gesendet.`,
  deleteMemories: 'Auch vergessen, was daraus gemerkt ist',
  deleteConfirm: 'Löschen',
  deleteCancel: 'Behalten',
  keys: 'Tastenkürzel'
};

export const settings: Words['settings'] = {
  title: 'Einstellungen',
  intro: 'Wie dieses Haus in diesem Browser aussieht, und der Weg zu allem, was sich sonst wählen lässt.',
  language: 'Sprache',
  languageText: 'Gilt für diesen Browser. Die Seite lädt neu, wenn du wählst.',
  asBrowser: 'Wie der Browser',
  partly: 'Was ein Dienst oder der Server in eigenen Worten sagt, kann noch englisch sein.',
  themeText: 'Gilt für diesen Browser.',
  zone: 'Zeitzone',
  zoneText: (zone) => `Zeiten stehen hier wie in ${zone.replaceAll('_', ' ')}, der Zone, die dieser Browser nennt.`,
  zoneNow: 'Hier ist es jetzt:',
  zoneDays: 'Wo ein Tag deiner Grenzen beginnt, wählst du unter „Verbrauch“.',
  more: 'Anderswo zu wählen',
  texts: {
    model: 'Welches Modell antwortet, und welches bei Privatem.',
    accounts: 'Die verbundenen Dienste, und was Modelle von jedem sehen dürfen.',
    rules: 'Was du im Voraus erlaubt hast, und was sich zurücknehmen lässt.',
    notices: 'Wo du erfährst, dass etwas wartet, und wann nicht.',
    usage: 'Was eine Antwort, ein Tag und ein Monat verbrauchen dürfen.',
    data: 'Wie lange etwas aufbewahrt wird, mitnehmen und löschen.',
    tokens: 'Was deine Programme hier dürfen.',
    people: 'Wer in diesem Haus wohnt, und Einladungen.'
  }
};

export const voice: Words['voice'] = {
  title: 'Stimme',
  text: 'In diesem Browser gemerkt, und aus, bis du es wählst. Alles geschieht auf diesem Gerät: Nichts, was du sagst, geht an jemanden, der es aufschreibt.',
  reads: 'Antworten vorlesen',
  writes: 'Nachrichten sprechen',
  noVoice: 'Dieser Browser hat auf diesem Gerät keine Stimme.',
  noWriting: 'Dieser Browser kann Gesprochenes nur aufschreiben, indem er es an seinen Hersteller sendet; deshalb wird es hier nicht angeboten.',
  fetched: 'Dein Browser holt die Sprache zuerst bei seinem Hersteller, einmal.',
  read: 'Vorlesen',
  stop: 'Nicht weiter vorlesen',
  write: 'Nachricht sprechen',
  stopWriting: 'Nicht mehr zuhören',
  hears: 'Hört zu …',
  noMicrophone: 'Der Browser lässt diese Seite das Mikrofon nicht nutzen. Erlaube es neben der Adresse und versuche es noch einmal.',
  broke: 'Es ließ sich nicht aufschreiben. Versuche es noch einmal.'
};
