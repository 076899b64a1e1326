import { counting } from '../plural';
import type { Words } from '../types';

const so = counting('de');
const inside = (verb: string): string => verb.charAt(0).toLowerCase() + verb.slice(1);

export const chat: Words['chat'] = {
  title: 'Chat',
  conversation: 'Unterhaltung',
  you: 'Du',
  assistant: 'Assistent',
  composer: 'Deine Nachricht',
  placeholder: 'Frag, oder tippe /',
  placeholderBare: 'Tippe / für Befehle',
  send: 'Senden',
  stop: 'Anhalten',
  stopping: 'Wird angehalten …',
  retry: 'Noch einmal versuchen',
  thinking: 'Denkt nach',
  stopped: 'Angehalten. Was bis dahin getan wurde, steht oben.',
  failed: 'Die Antwort ist abgebrochen.',
  outside: (from) => `Kam mit ${from === 'an archive' ? 'einem Archiv' : `einem Export aus ${from}`}`,
  failedSafe: 'Was bis hierher kam, ist noch da. Vor dem Senden und Löschen wirst du wieder gefragt.',
  formula: 'Formel',
  copyAnswer: 'Kopieren',
  copyRefused: 'Hier nicht erlaubt',
  tokens: (count) => `${count} Token`,
  usage: (input, output) => `Diese Antwort: ${input} Token gelesen, ${output} geschrieben`,
  cached: (count) => `${count} der gelesenen hatte der Anbieter noch`,
  estimated: 'geschätzt, denn der Anbieter hat nicht gezählt',
  cost: (amount) => `Kosten ${amount}`,
  reconnecting: 'Verbindung verloren. Sie wird wieder aufgenommen; nichts geht verloren.',
  toEnd: 'Zum Neuesten',
  emptyTitle: (name) => `Schön, dass du da bist, ${name}.`,
  emptyText: 'Vier Dinge zum Ausprobieren',
  noModelTitle: 'Noch kein Modell',
  noModel: 'Mit einem kannst du in deinen eigenen Worten fragen. Befehle gehen auch ohne.',
  addModel: 'Modell hinzufügen',
  noAccountsTitle: 'Nichts verbunden',
  noAccounts: 'Verbinde deine Mail oder deinen Kalender, damit der Assistent dort nachsehen und für dich handeln kann.',
  addAccount: 'Dienst verbinden',
  waitingHint: 'Oben wartet eine Entscheidung. Wenn du etwas anderes schreibst, wird sie zurückgezogen.',
  gone: 'Diese Unterhaltung gibt es nicht mehr.',
  goneText: 'Sie wurde gelöscht, vielleicht in einem anderen Fenster.',
  imageBlocked: (alt, host) => `Bild nicht geladen${alt ? `: ${alt}` : ''} (${host})`,
  code: 'Code',
  table: 'Tabelle',
  long: (shown, all) => `Diese Antwort ist sehr lang: Gezeigt werden ${shown} von ${all} Zeichen.`,
  longRest: 'Den Rest als einfachen Text zeigen',
  rest: 'Der Rest der Antwort',
  linkTitle: 'Diese Adresse öffnen?',
  linkText: 'Sie enthält mehr als die Adresse einer einfachen Seite, und der Assistent hat sie geschrieben. Wer die Seite betreibt, sieht alles davon.',
  linkOpen: 'Öffnen',
  linkCancel: 'Nicht öffnen'
};

export const files: Words['files'] = {
  add: 'Dateien mitgeben',
  choose: 'Dateien auswählen',
  photo: 'Foto aufnehmen',
  drop: 'Hier ablegen, um sie deiner Nachricht mitzugeben',
  chosen: 'Dateien, die mitgehen',
  given: 'Dateien dieser Nachricht',
  save: 'Speichern',
  waits: 'Dateien gehen hinaus, wenn die Antwort zu Ende ist.',
  sending: 'Dateien werden gesendet …',
  reading: 'Wird gelesen …',
  ready: (count) => (count === 1 ? 'Eine Datei ist bereit.' : `${count} Dateien sind bereit.`),
  refused: (name, why) => `${name}: ${why}`,
  progressOf: (name) => `Wie viel von ${name} gesendet ist`,
  removeOf: (name) => `${name} entfernen`,
  tooLarge: 'Größer als 20 MB.',
  tooMany: (most) => `Eine Nachricht nimmt ${most} Dateien.`,
  empty: 'Sie ist leer.',
  sharedText: 'Geteilter Text',
  sharedLost: 'Was du geteilt hast, ist nicht mehr da. Teile es noch einmal.'
};

export const versions: Words['versions'] = {
  title: 'Fassungen',
  edit: 'Bearbeiten',
  editOf: (text) => `„${text}“ bearbeiten`,
  editTitle: 'Deine Nachricht bearbeiten',
  editHint: 'Was bisher gesagt und getan wurde, bleibt als eine andere Fassung.',
  cancel: 'Abbrechen',
  previous: 'Vorige Fassung',
  next: 'Nächste Fassung',
  place: (at, all) => `Fassung ${at} von ${all}`,
  elsewhere: 'Das gehört zu einer anderen Fassung der Unterhaltung als der, die dort gezeigt wird.',
  toVersion: 'Diese Fassung zeigen'
};

export const receipts: Words['receipts'] = {
  title: 'Was getan wurde, laut Protokoll',
  none: 'Es wurde nichts geändert.',
  source: 'Aus dem Protokoll, nicht vom Modell',
  reading: 'Das Protokoll wird gelesen …',
  away: 'Das Protokoll lässt sich gerade nicht lesen, deshalb steht hier nicht, was getan wurde.',
  to: (people) => `an ${people}`,
  show: 'Im Protokoll öffnen',
  states: {
    waiting: 'Wartet auf dich:',
    refused: 'Nicht getan, du hast Nein gesagt:',
    expired: 'Nicht getan, niemand hat entschieden:',
    withdrawn: 'Nicht getan, zurückgezogen:',
    running: 'Im Gange:',
    done: 'Getan:',
    failed: 'Nicht getan, es ist gescheitert:',
    unknown: 'Vielleicht getan:',
    confirmed: 'Getan, wie du gesagt hast:',
    dismissed: 'Nicht getan, wie du gesagt hast:'
  },
  claims: {
    send: 'Die Antwort sagt, es sei etwas gesendet worden. Laut Protokoll wurde nichts gesendet.',
    delete: 'Die Antwort sagt, es sei etwas gelöscht worden. Laut Protokoll wurde nichts gelöscht.',
    change: 'Die Antwort sagt, es sei etwas geändert worden. Laut Protokoll wurde nichts geändert.'
  }
};

export const commands: Words['commands'] = {
  menu: 'Befehle',
  open: 'Befehle: was ohne Modell geht',
  count: (count) =>
    count === 1 ? 'Ein Befehl. Die Eingabetaste wählt ihn.' : `${so(count, { other: 'Befehle' })}. Die Pfeiltasten bewegen, die Eingabetaste wählt.`,
  none: 'Noch bietet kein verbundener Dienst einen Befehl an.',
  noneLink: 'Dienst verbinden',
  close: (name) => `/${name} schließen`,
  run: 'Los',
  asks: 'Nichts wird gesendet, bevor du es gesehen und Ja gesagt hast.',
  everyAccount: 'Alle Konten',
  timeOf: (label) => `${label}: Uhrzeit`,
  noDay: 'Gib einen Tag an.',
  again: 'Wieder verwenden',
  againOf: (text) => `Wieder verwenden: ${text}`,
  results: (source) => `Von ${source}`,
  nothing: 'Nichts gefunden.',
  untitled: 'Ohne Titel',
  asking: 'Wird gefragt …',
  working: 'Arbeitet',
  allDay: 'Ganztägig',
  unread: 'Ungelesen',
  more: (count) => `${count} weitere zeigen`,
  details: 'Einzelheiten',
  homeTitle: 'Was ohne Modell geht',
  homeText: 'Tippe / oder wähle einen aus. Vor dem Senden wirst du auch hier gefragt.'
};

export const tries: Words['tries'] = {
  mail: ['Was ist seit gestern gekommen und braucht eine Antwort?', 'Such die letzte Rechnung in meinen Mails und sag, wann sie fällig ist.'],
  caldav: ['Was steht diese Woche in meinem Kalender?', 'Such am Donnerstag eine freie Stunde und trag ein Mittagessen ein.'],
  both: ['Gibt es in meinen neuesten Mails einen Termin, der in meinem Kalender fehlt?'],
  none: [
    'Was kannst du, sobald meine Mail verbunden ist?',
    'Hilf mir, einen freundlichen Brief an meine Vermieterin zu schreiben.',
    'Mach eine Packliste für drei Tage am Meer.',
    'Erklär einen Mietvertrag in einfachen Worten.'
  ]
};

export const call: Words['call'] = {
  states: {
    proposed: 'Wird vorbereitet',
    waiting: 'Wartet auf dich',
    running: 'Läuft',
    done: 'Getan',
    failed: 'Gescheitert',
    denied: 'Nicht getan',
    unknown: 'Ausgang unbekannt'
  },
  effects: {
    read: 'liest',
    write: 'ändert deine Daten',
    send: 'erreicht andere',
    delete: 'lässt sich nicht rückgängig machen'
  },
  arguments: 'Was verlangt wurde',
  result: 'Was zurückkam',
  noResult: 'Noch kam nichts zurück.',
  outside: 'Enthält Text von außen',
  writtenBy: (authors) => `geschrieben von ${authors}`,
  unknown: 'Der Server hat nicht geantwortet. Vielleicht ist es geschehen. Sieh dort nach, bevor du es noch einmal verlangst.',
  more: (count) => `und ${count} weitere`,
  approvedAs: 'Was du erlaubt hast',
  undo: 'Rückgängig machen',
  undoOf: (title) => `Rückgängig machen: ${title}`,
  undone: 'Zurückgenommen.'
};

export const approval: Words['approval'] = {
  from: (account) => `von ${account}`,
  in: (account) => `in ${account}`,
  to: 'An',
  destinations: { recipient: 'An', attendee: 'Mit', url: 'Adresse', path: 'Datei', account: 'Konto' },
  because: 'Weil du darum gebeten hast',
  quoted: (said) => `„${said}“`,
  outside: 'Von außen übernommen',
  outsideNone: 'nichts',
  warnings: 'Sieh zweimal hin',
  content: 'Genauer Inhalt',
  dont: (confirm) => `Nicht ${inside(confirm)}`,
  waitsUntil: 'Wartet bis',
  loading: 'Es wird geladen, was zu entscheiden ist',
  deciding: 'Deine Entscheidung wird weitergegeben …',
  approved: 'Du hast Ja gesagt.',
  denied: 'Du hast Nein gesagt. Es wurde nicht getan.',
  expired: 'Die Zeit lief ab, bevor jemand entschied. Es wurde nicht getan.',
  void: 'Es gilt nicht mehr, weil sich der Auftrag geändert hat. Es wurde nicht getan.',
  ask: (verb) => `${verb}?`,
  announce: (verb) => `Eine Entscheidung wartet auf dich: ${verb}?`,
  intro: 'Was der Assistent nicht allein darf, wartet hier auf deine Entscheidung, das Älteste zuerst.',
  none: 'Nichts wartet auf dich.',
  noneText: 'Bevor der Assistent etwas sendet oder löscht, steht der genaue Inhalt hier und in der Unterhaltung.',
  toConversation: 'Unterhaltung öffnen',
  one: 'Eine Entscheidung',
  all: 'Alle Entscheidungen',
  gone: 'Eine solche Entscheidung hast du nicht. Vielleicht wurde sie mit ihrer Unterhaltung gelöscht.',
  held: (seconds) => `Geht in ${seconds} s hinaus`,
  takeBack: 'Zurücknehmen',
  sending: 'Geht jetzt hinaus …',
  heldHint: 'Gleich geht etwas hinaus. Danach geht es weiter.',
  edit: 'Bearbeiten',
  editTitle: 'Vor der Entscheidung ändern',
  editSave: 'Zeigen, was daraus wird',
  editCancel: 'So lassen',
  editHint: 'Noch wird nichts getan: Du siehst danach genau, was daraus wird.',
  editNothing: 'Hier lässt sich nichts daran ändern.',
  edited: 'Das hast du geändert. Es ist nicht mehr, was der Assistent vorgeschlagen hat.',
  whyNot: 'Sagen, warum nicht',
  whyNotLabel: 'Warum nicht? Der Assistent erfährt das.',
  pending: (count) => `${so(count, { one: 'Entscheidung wartet', other: 'Entscheidungen warten' })} auf dich`
};

export const undo: Words['undo'] = {
  title: 'Lässt sich zurücknehmen',
  intro: 'Was noch nicht hinausgegangen ist, geht nirgendwohin. Was geändert wurde, wird durch einen eigenen Schritt zurückgesetzt, der auch im Protokoll steht.',
  done: 'Zurückgenommen:'
};

export const doubt: Words['doubt'] = {
  title: (count) => (count ? `${so(count, { one: 'Sache braucht', other: 'Sachen brauchen' })} deine Augen` : 'Was deine Augen braucht'),
  intro: 'Der Dienst hat dabei nicht geantwortet, es kann also geschehen sein oder nicht. Sieh dort nach und sag dann, was du gesehen hast. Von selbst wird nichts wiederholt.',
  look: 'Noch einmal nachsehen',
  sent: { yes: 'Es wurde gesendet', no: 'Es wurde nicht gesendet' },
  done: { yes: 'Es wurde getan', no: 'Es wurde nicht getan' },
  again: 'Noch einmal versuchen, mit neuer Frage',
  away: (names) => `Gerade nicht zu erreichen: ${names}. Danach stehen hier vielleicht noch mehr.`
};

export const plan: Words['plan'] = {
  title: (count) => `${so(count, { one: 'Sache wartet', other: 'Sachen warten' })} auf dich`,
  intro: 'Hake an, was getan werden darf. Jede steht oben ganz.',
  look: 'Erst oben ansehen',
  run: (count) => (count === 1 ? 'Die angehakte tun' : `Die ${count} angehakten tun`),
  none: 'Keine davon tun',
  rest: 'Was nicht angehakt ist, wird nicht getan.'
};

export const rules: Words['rules'] = {
  title: 'Im Voraus erlaubt',
  intro: 'Das geschieht ohne Frage, was immer vorher gelesen wurde. Alles steht im Protokoll.',
  none: 'Nichts. Eine Entscheidung kann auch für die nächsten Male gelten: Wo das gefahrlos ist, bietet ihre Karte es an.',
  always: 'Immer erlauben …',
  allowTitle: 'Im Voraus erlauben?',
  allow: (confirm) => `Erlauben und ${inside(confirm)}`,
  allowText: 'Es geschieht dann ohne Frage, mit jedem Inhalt, höchstens 30-mal am Tag. Was seltsam aussieht, wird trotzdem gefragt. Du kannst es jederzeit widerrufen.',
  to: 'An',
  account: 'Mit',
  forHow: 'Für wie lange?',
  lasts: { hour: 'Eine Stunde', conversation: 'Diese Unterhaltung', month: '30 Tage', year: 'Ein Jahr' },
  passwordHint: 'Noch einmal, weil danach ohne Frage gehandelt wird.',
  ends: 'Endet',
  uses: (count) => (count ? `${count === 1 ? 'einmal' : `${count}-mal`} benutzt` : 'noch nicht benutzt'),
  oneConversation: 'nur in einer Unterhaltung',
  revoke: 'Widerrufen',
  revoked: 'Widerrufen. Es wird wieder gefragt.'
};
