import { counting } from '../plural';
import type { Words } from '../types';

const so = counting('de');

export const search: Words['search'] = {
  title: 'Suche',
  intro: 'In allem, was verbunden ist, in deinen Unterhaltungen und im Gemerkten, auf einmal. Gefragt wird, wenn du die Eingabetaste drückst, und nicht, während du tippst.',
  label: 'In allem suchen',
  placeholder: 'Worte, die vorkommen müssen',
  go: 'Suchen',
  abroad: (names) => `${names}: Da wird vielleicht auch beim Anbieter gesucht, und was du tippst, geht dann dorthin. Alles andere wird in diesem Haus durchsucht.`,
  said: (count, silent) =>
    `${count === 1 ? 'Ein Treffer' : so(count, { other: 'Treffer' })}.${silent.length ? ` Keine Antwort von: ${silent.join(', ')}.` : ''}`,
  silent: (name) => `${name} hat nicht geantwortet.`,
  reset: 'Von vorn beginnen',
  from: (source) => `Von ${source}`,
  close: 'Schließen',
  content: 'Inhalt',
  talks: 'Deine Unterhaltungen',
  talksSilent: 'Deine Unterhaltungen ließen sich nicht durchsuchen.',
  toTalks: 'Ältere',
  memories: 'Gemerkt',
  toMemory: 'Gedächtnis öffnen',
  recent: 'Früher gesucht',
  recentText: 'Nur in diesem Browser aufbewahrt.',
  forget: 'Vergessen',
  none: 'Noch ist nichts verbunden',
  noneText: 'Verbinde ein Postfach, einen Kalender oder einen Dateispeicher, dann lässt sich alles darin hier finden.',
  tipsTitle: 'Was hilft',
  tips: [
    'Alle Worte müssen vorkommen; Wortanfänge genügen.',
    'Bei Mail geht auch from:carol, subject:lease und after:2026-01-31.',
    'Wähle einen Treffer aus, um ihn hier zu lesen. Von anderswo wird nichts geladen.'
  ]
};

export const change: Words['change'] = {
  begin: 'Ändern',
  title: 'Dies ändern',
  save: 'Speichern',
  cancel: 'So lassen',
  same: 'Nichts ist anders als vorher.',
  hint: 'Du kannst es danach zurücknehmen.'
};

export const sources: Words['sources'] = {
  title: 'Quellen',
  more: (count) => `${count} weitere`,
  fewer: 'Weniger',
  of: (number, title) => `Quelle ${number}: ${title}`,
  gone: 'Das gibt es nicht mehr, oder nicht mehr unter diesem Konto.',
  open: (host) => `Bei ${host} öffnen`
};

export const home: Words['home'] = {
  title: 'Start',
  agenda: 'Heute',
  free: 'Heute steht nichts in deinen Kalendern.',
  noCalendar: 'Verbinde einen Kalender, dann steht der Tag hier.',
  connect: 'Dienst verbinden',
  mail: 'Will vielleicht eine Antwort',
  mailText: 'Ungelesene Mails der letzten 30 Tage, die nur an dich geschrieben sind, soweit sie hier gelesen wurden. Mailinglisten und Absender, die keine Antwort annehmen, sind ausgelassen.',
  noMail: 'Verbinde ein Postfach, dann stehen hier Mails, die vielleicht eine Antwort wollen.',
  noneWaits: 'Keine ungelesene Mail ist nur an dich geschrieben.',
  turns: 'Im Gange',
  waits: 'Wartet auf dich, gefragt',
  nothingWaits: 'Nichts läuft, und nichts wartet auf dich.',
  next: 'Als Nächstes von selbst',
  noSchedules: 'Nichts ist geplant. Ein Zeitplan fragt etwas für dich, jeden Morgen oder jeden Montag.',
  health: 'Zustand',
  away: 'Verstummt',
  attention: 'Es braucht dich.',
  well: 'Jeder Teil des Hauses antwortet, und jedes Konto geht.',
  unknown: 'Wie es dem Haus geht, ist gerade nicht bekannt.'
};

export const rooms: Words['rooms'] = {
  title: 'Dieses Haus',
  intro: 'Wie es den Räumen geht, in denen es läuft, seinen Sicherungen und seinen Schlüsseln. Niemandes Inhalte stehen hier.',
  ownerOnly: 'Nur wem dieses Haus gehört, sieht, wie es seinen Räumen geht.',
  rooms: 'Räume',
  whole: 'Jeder Raum antwortet.',
  missing: (count) => `${so(count, { one: 'Raum antwortet', other: 'Räume antworten' })} nicht.`,
  names: { gateway: 'Gateway', agent: 'Agent', vault: 'Tresor', audit: 'Zeuge' },
  answers: 'Antwortet',
  away: 'Verstummt',
  version: (version) => (version ? `Version ${version}` : 'Version nicht genannt'),
  since: 'gestartet',
  unsaid: 'Er sagt nicht, in welcher Version er läuft.',
  noInstance: 'Keine Instanz davon läuft.',
  versions: 'Versionen',
  versionOf: (version, protocol) =>
    `Das Haus läuft in Version ${version}. Seine Räume sprechen miteinander Protokoll ${protocol}. Jeder Raum bringt beim Start seine Dateien auf die eigene Version; ein älteres Programm lehnt sie ab.`,
  copies: {
    title: 'Sicherungen',
    none: 'Niemand sichert dieses Haus. Wie es jede Nacht gesichert wird, steht in der Anleitung „Copies“.',
    good: 'Letzte gute Sicherung',
    never: 'noch keine',
    tried: 'Letzter Versuch',
    file: 'Datei',
    restored: 'Wiederhergestellt',
    from: 'aus einer Sicherung, erstellt'
  },
  people: 'Wer hier wohnt, wer eingeladen ist und wer das Haus führt.',
  toPeople: 'Personen öffnen'
};
