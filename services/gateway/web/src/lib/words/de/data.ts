import { counting } from '../plural';
import type { Words } from '../types';

const so = counting('de');
const numbers = new Intl.NumberFormat('de');

export const data: Words['data'] = {
  title: 'Deine Daten',
  intro: 'Was dieses Haus von dir aufbewahrt, und der Weg, alles davon zu entfernen. Es liegt verschlüsselt auf diesem Server, unter eigenen Schlüsseln für dich.',
  held: 'Was aufbewahrt wird',
  total: (bytes) => `Etwa ${bytes} auf der Platte, in jedem Raum für sich.`,
  away: 'antwortet gerade nicht',
  oldest: 'das Älteste',
  rooms: {
    agent: 'Unterhaltungen',
    gateway: 'Entscheidungen, Gedächtnis und Zeitpläne',
    audit: 'Protokoll',
    vault: 'Konten und Schlüssel'
  },
  parts: {
    conversations: (count) => so(count, { one: 'Unterhaltung', other: 'Unterhaltungen' }),
    turns: (count) => so(count, { one: 'Nachricht mit ihrer Antwort', other: 'Nachrichten mit ihren Antworten' }),
    memories: (count) => so(count, { one: 'Erinnerung', other: 'Erinnerungen' }),
    questions: (count) => so(count, { one: 'Frage an dich', other: 'Fragen an dich' }),
    proposals: (count) => so(count, { one: 'vorgeschlagener Zeitplan', other: 'vorgeschlagene Zeitpläne' }),
    schedules: (count) => so(count, { one: 'Zeitplan', other: 'Zeitpläne' }),
    rules: (count) => so(count, { one: 'Erlaubnis im Voraus', other: 'Erlaubnisse im Voraus' }),
    arguments: (count) => `Inhalt von ${so(count, { one: 'Eintrag', other: 'Einträgen' })}`,
    left: (count) => so(count, { one: 'Vermerk, wohin Bytes gingen', other: 'Vermerke, wohin Bytes gingen' }),
    calls: (count) => `was ${so(count, { one: 'Schritt sagte und brachte', other: 'Schritte sagten und brachten' })}`,
    mails: (count) => so(count, { one: 'Mail', other: 'Mails' }),
    events: (count) => so(count, { one: 'Termin', other: 'Termine' }),
    files: (count) => so(count, { one: 'Datei', other: 'Dateien' }),
    contacts: (count) => so(count, { one: 'Kontakt', other: 'Kontakte' }),
    drafts: (count) => so(count, { one: 'Entwurf', other: 'Entwürfe' }),
    attachments: (count) => so(count, { one: 'Anhang', other: 'Anhänge' }),
    records: (count) => so(count, { one: 'Eintrag', other: 'Einträge' }),
    accounts: (count) => so(count, { one: 'Konto', other: 'Konten' })
  },
  kinds: {
    conversations: 'Unterhaltungen',
    memories: 'Was gemerkt ist (außer Angeheftetem)',
    questions: 'Was du gefragt wurdest und gesagt hast',
    arguments: 'Inhalte des Protokolls',
    left: 'Wohin Bytes gingen',
    calls: 'Was Schritte sagten und brachten'
  },
  keep: {
    title: 'Wie lange',
    intro:
      'Alles wird aufbewahrt, bis du etwas anderes sagst. Was du wählst, wird sofort ausgeführt und danach jeden Tag; von dem, was ging, wird nur die Zahl aufgeschrieben. Bei deinen Diensten wird nichts gelöscht.',
    own: 'In diesem Haus',
    all: 'Alles aufbewahren',
    days: (count) =>
      count === 365 ? 'Ein Jahr lang' : count === 1825 ? 'Fünf Jahre lang' : `${so(count, { one: 'Tag', other: 'Tage' })} lang`,
    newest: (count) => `Höchstens ${numbers.format(count)}`,
    never: 'Nie aufbewahren',
    try: 'Zeigen, was ginge',
    goes: 'Das geht jetzt:',
    span: (oldest, newest) => `Von ${oldest} bis ${newest}.`,
    away: (rooms) => `Antwortet gerade nicht, es kann also mehr sein: ${rooms}.`,
    nothing: 'Jetzt geht nichts.',
    sure: 'So aufbewahren?',
    sureText: 'Was ging, bringt nichts zurück. Was nie aufbewahrt wird, geht nach einer Stunde Ruhe.',
    confirm: 'So aufbewahren',
    cancel: 'Nichts ändern',
    last: 'Zuletzt ausgeführt',
    nothingWent: 'nichts ging',
    neverRun: 'Noch wurde nichts ausgeführt.',
    next: 'Als Nächstes',
    unasked: (rooms) => `Den ganzen Tag nicht zu fragen, wird weiter gefragt: ${rooms}.`
  },
  part: {
    title: 'Einen Teil löschen',
    text: 'Eine Unterhaltung, ein Konto mit allem, was daraus wurde, oder eine Zeit. Das Protokoll hält fest, dass etwas getan wurde, und nicht mehr, was.',
    what: 'Löschen',
    kinds: { conversation: 'eine Unterhaltung', source: 'ein Konto', period: 'eine Zeit' },
    which: 'Welche',
    since: 'Vom Tag',
    until: 'Bis zum Tag',
    memories: 'Auch, was daraus gemerkt ist',
    conversations: 'Auch jede Unterhaltung, in der es vorkam',
    noConversations: 'Es gibt keine Unterhaltung.',
    noAccounts: 'Es gibt kein Konto.',
    try: 'Zeigen, was ginge',
    nothing: 'Davon ist nichts zu finden.',
    used: (count) => `Es kam in ${so(count, { one: 'Unterhaltung vor, die bleibt', other: 'Unterhaltungen vor, die bleiben' })}.`,
    sure: 'Das löschen?',
    sureText: 'Nichts bringt es zurück. Sicherungen von vor heute ändern sich dadurch nicht.',
    confirm: 'Löschen'
  },
  erasing: {
    title: 'Wird gelöscht',
    mine: { conversation: 'Eine Unterhaltung', source: 'Ein Konto', period: 'Eine Zeit', person: 'Du' },
    others: {
      conversation: 'Eine Unterhaltung von jemand anderem',
      source: 'Ein Konto von jemand anderem',
      period: 'Eine Zeit von jemand anderem',
      person: 'Eine Person'
    },
    begun: 'begonnen',
    waits: (rooms) => `Noch ohne Antwort: ${rooms}.`,
    away: (room) => `${room} läuft nicht.`,
    gone: (room) => `${room} kommt nicht wieder`,
    sure: (room) => `Nicht länger auf ${room} warten?`,
    sureText: 'Sag das nur, wenn die Daten dort verloren oder zerstört sind. Die Schlüssel aller Daten dort werden vernichtet, damit sie verschlossen bleiben, falls sie gefunden werden.',
    confirm: 'Kommt nicht wieder',
    cancel: 'Weiter warten'
  },
  house: {
    title: 'Dieses Haus löschen',
    text: 'Alle, die hier wohnen, werden mit allem entfernt, und auch, was du für das Haus gewählt hast. Der nächste Start ist der erste.',
    sure: 'Das ganze Haus löschen?',
    sureText: 'Nichts bringt es zurück, für niemanden. Von allem, was getan wurde, behält das Protokoll Beweise, die niemand lesen kann.',
    type: 'Tippe: erase this house',
    confirm: 'Dieses Haus löschen'
  },
  nothing: 'Nichts von dir.',
  elsewhere: 'Einzelnes siehst und berichtigst du unter',
  erase: 'Alles löschen',
  eraseText:
    'Du wirst aus diesem Haus entfernt, mit allem, was es von dir aufbewahrt: Unterhaltungen, Gedächtnis, Kopien deiner Dienste, Konten und ihre Schlüssel. Bei deinen Diensten wird nichts gelöscht; der Zugang dieses Hauses dort wird beendet, wo das von hier aus geht.',
  eraseTitle: 'Alles von dir löschen?',
  eraseSure:
    'Nichts bringt es zurück. Das Protokoll hält fest, dass etwas getan wurde, und niemand kann mehr lesen, was. Sicherungen von vor heute ändern sich dadurch nicht.',
  passwordHint: 'Noch einmal, weil es kein Zurück gibt.',
  eraseConfirm: 'Alles löschen',
  eraseCancel: 'Behalten'
};

export const moving: Words['moving'] = {
  take: 'Deine Daten mitnehmen',
  takeText:
    'Ein Archiv von allem, was von dir aufbewahrt wird, in offenen Formaten: Unterhaltungen, Gedächtnis, Zeitpläne, Kopien deiner Dienste und das Protokoll mit seinen Beweisen. Passwörter und Schlüssel sind nicht darin. Ein anderes Haus nimmt es auf, und jede Datei lässt sich auch ohne eines lesen.',
  encrypt: 'Schützen mit',
  protection: [
    { value: 'none', label: 'nichts' },
    { value: 'passphrase', label: 'einer Passphrase' },
    { value: 'recipient', label: 'einem öffentlichen Schlüssel von age' }
  ],
  passphrase: 'Passphrase für das Archiv',
  passphraseHint: 'Mindestens 8 Zeichen. Ohne sie öffnet niemand das Archiv, auch du nicht.',
  recipient: 'Öffentlicher Schlüssel',
  recipientHint: 'Beginnt mit age1. Wer den geheimen Schlüssel dazu hat, öffnet das Archiv.',
  passwordHint: 'Noch einmal, weil das Archiv alles enthält.',
  make: 'Archiv erstellen',
  making: 'Das Archiv wird erstellt. Du kannst diese Seite schließen.',
  ready: (bytes) => `Das Archiv ist fertig: ${bytes}.`,
  readyUntil: 'Hier wird es entfernt:',
  fetched: 'Es wurde abgeholt.',
  failed: 'Das Archiv ließ sich nicht erstellen.',
  download: 'Archiv herunterladen',
  drop: 'Hier entfernen',
  again: 'Neues erstellen',
  missing: 'Nicht im Archiv:',
  bring: 'Daten hereinholen',
  bringText:
    'Ein Archiv dieses oder eines anderen Hauses oder der Export von ChatGPT, Claude oder Open WebUI. Was hier ist, bleibt, wie es ist, und dieselbe Datei zweimal ist danach einmal da. Was hereinkommt, gilt als Text, den andere geschrieben haben können, und tut von selbst nichts: Zeitpläne warten, bis du sie ansiehst, Konten auf eine neue Anmeldung.',
  choose: 'Datei auswählen',
  sending: (share) => `Wird gesendet, ${share}`,
  checking: 'Die Datei wird geprüft',
  working: 'Wird aufgenommen. Du kannst diese Seite schließen.',
  keys: 'Dieses Archiv ist verschlüsselt.',
  opens: 'Es öffnet sich mit',
  key: [
    { value: 'passphrase', label: 'einer Passphrase' },
    { value: 'identity', label: 'einem geheimen Schlüssel von age' }
  ],
  openPassphrase: 'Passphrase des Archivs',
  identity: 'Geheimer Schlüssel',
  identityHint: 'Beginnt mit AGE-SECRET-KEY-1. Er wird einmal benutzt und nicht aufbewahrt.',
  open: 'Öffnen',
  cancel: 'Nicht aufnehmen',
  done: (kind, files) => `Aufgenommen: ${kind}, ${so(files, { one: 'Datei', other: 'Dateien' })}.`,
  kinds: {
    archive: 'ein Archiv von Open Assistant',
    chatgpt: 'Unterhaltungen aus ChatGPT',
    claude: 'Unterhaltungen aus Claude',
    openwebui: 'Unterhaltungen aus Open WebUI'
  },
  refused: 'Es wurde nicht aufgenommen.',
  leftOut: 'Ausgelassen:',
  rooms: 'Wie weit es ist',
  files: (count, bytes) => `${so(count, { one: 'Datei', other: 'Dateien' })}, ${bytes}`,
  waiting: 'im Gange'
};

export const keys: Words['keys'] = {
  title: 'Schlüssel des Hauses',
  text: 'Alles hier ist unter eigenen Schlüsseln verschlüsselt, und diese unter einem Hauptschlüssel. Neue lohnen sich, wenn jemand einen alten gesehen haben könnte. Es geht, während das Haus läuft; was inzwischen kommt, wartet einen Augenblick.',
  begun: 'Neue Schlüssel werden erstellt.',
  progress: (done, total) => `${done} von ${total} Dateien liegen unter ihrem neuen Schlüssel. Es geht von selbst weiter, auch nach einem Neustart.`,
  waiting: (rooms) => `Noch offen: ${rooms.join(', ')}.`,
  last: 'Ersetzt',
  protected: 'Der Hauptschlüssel ist durch eine Passphrase geschützt: Eine gestohlene Festplatte verrät nichts.',
  open: 'Der Hauptschlüssel liegt offen in seiner Datei: Eine gestohlene Kopie der Daten verrät nichts, eine gestohlene Festplatte schon. Eine Passphrase schützt auch davor; wie, steht in der Anleitung zu den Schlüsseln.',
  fixed: 'Der Hauptschlüssel wurde dem Haus als Datei gegeben, die es nicht schreiben darf; wie er ersetzt wird, steht in der Anleitung zu den Schlüsseln.',
  rotate: 'Alle Schlüssel ersetzen',
  sureTitle: 'Alle Schlüssel ersetzen?',
  sure: 'Eine frühere Sicherung öffnet sich mit dem früheren Hauptschlüssel: Bewahre dessen Notiz so lange auf wie die Sicherung, und mach dir danach eine neue vom neuen.',
  passwordHint: 'Noch einmal, weil sich ändert, was die Daten öffnet.',
  confirm: 'Ersetzen',
  cancel: 'Jetzt nicht'
};
