import { counting } from '../plural';
import type { Words } from '../types';

const so = counting('de');
const day = { one: 'Tag', other: 'Tagen' };

export const signIn: Words['signIn'] = {
  orElse: 'Oder:',
  atProvider: (provider) => `bei ${provider} anmelden`,
  byToken: 'stattdessen ein Token eingeben',
  askOwner: (provider) =>
    `Dieses Haus ist bei ${provider} noch nicht registriert. Wer es eingerichtet hat, macht das einmal unter „Verbindungen“; danach kannst du dein Konto hier verbinden.`,
  registeredAs: (provider) => `Dieses Haus ist bei ${provider} registriert als`,
  change: 'Ändern',
  registerTitle: (provider) => `Dieses Haus bei ${provider} registrieren`,
  registerText: (provider) =>
    `${provider} gibt Konten nur an Programme, die dort bekannt sind. Die Registrierung gehört dir, dauert ein paar Minuten und gilt für alle hier.`,
  openConsole: 'Öffne',
  consoleOf: (provider) => `die Konsole von ${provider}`,
  switchOn: 'Schalte dort ein, was du nutzen möchtest:',
  backTo: 'Wo nach der Rücksprungadresse (redirect URI) gefragt wird, trage genau dies ein:',
  copyBack: 'Rücksprungadresse',
  backByHand:
    'Anbieter schicken niemanden an eine Adresse in deinem eigenen Netz. Die Seite wird sich deshalb nicht öffnen; du kopierst ihre Adresse aus dem Browser hierher.',
  kindWeb: 'Wo nach der Art des Programms gefragt wird, wähle eine Webanwendung.',
  kindNative: 'Wo nach der Art des Programms gefragt wird, wähle die für Mobilgeräte und Desktop. Sie braucht kein Geheimnis.',
  copyId: 'Kopiere die Client-ID, die dort erscheint, in das Feld unten.',
  copyBoth: 'Kopiere Client-ID und Client-Geheimnis, die dort erscheinen, in die Felder unten.',
  copyEither: 'Kopiere die Client-ID, die dort erscheint, in das Feld unten, und ein Client-Geheimnis, falls du eines erstellt hast.',
  clientId: 'Client-ID',
  clientSecret: 'Client-Geheimnis',
  secretKept: 'Eines ist gespeichert. Lass das Feld leer, um es zu behalten.',
  addresses: 'Andere Adressen als die öffentlichen',
  urls: {
    authorize_url: 'Anmeldung',
    token_url: 'Token',
    device_url: 'Codes für andere Geräte',
    revoke_url: 'Widerruf',
    issuer: 'Aussteller (issuer)'
  },
  passwordHint: 'Noch einmal, weil hiervon abhängt, wohin Geheimnisse gesendet werden.',
  register: 'Registrierung speichern',
  copy: 'Kopieren',
  copied: 'Kopiert',
  what: (provider) => `Was darf es? Genau danach wird ${provider} dich fragen.`,
  review: { sensitive: 'Heikel', restricted: 'Beschränkt' },
  chooseOne: 'Wähle mindestens eines.',
  goOn: (provider) => `Weiter bei ${provider}`,
  byCode: 'Mit einem Code auf einem anderen Gerät',
  open: (provider) => `${provider} öffnen`,
  oddAddress: 'Die Adresse des Anbieters ist keine, die man öffnen sollte: Die Registrierung hier ist falsch.',
  allowThere: 'Melde dich dort an und erlaube, was du gewählt hast.',
  failsThen: 'Danach sagt der Browser, dass eine Seite nicht zu erreichen ist. Das ist richtig so.',
  pasteIt: 'Kopiere die ganze Adresse dieser Seite aus dem Browser und füge sie hier ein.',
  address: 'Adresse der Seite, die sich nicht öffnete',
  typeCode: 'Tippe dort diesen Code ein:',
  code: 'Code',
  waiting: (provider) => `Wartet, bis es bei ${provider} erlaubt ist …`,
  back: 'Zurück',
  backTitle: 'Wird verbunden',
  nothingConnected: 'Es wurde nichts verbunden.',
  fromTerminal: 'Falls es in einem Terminal begann, füge dort diese Adresse ein:',
  mayDo: 'Darf',
  notAllowed: 'Nicht erlaubt',
  ends: 'Die Zustimmung endet',
  endsIn: (provider, days) =>
    `Die Zustimmung bei ${provider} endet ${days > 1 ? `in ${so(days, day)}` : days === 1 ? 'morgen' : 'heute'}. Verbinde das Konto vorher neu; Kopie und Einstellungen bleiben.`,
  trial: 'Das liegt daran, dass die Registrierung dort auf Probe ist. Sobald sie veröffentlicht ist, enden Zustimmungen nicht mehr von selbst.',
  toConsole: (provider) => `Bei ${provider} veröffentlichen`,
  more: 'Ändern, was es darf',
  endThere: (name) => `${name} ist hier entfernt. Beim Anbieter gilt die Zustimmung noch:`,
  endThereLink: 'dort beenden'
};

export const remedy: Words['remedy'] = {
  provider: 'Anbieter',
  sentences: {
    api_disabled: (provider) => `Eine nötige Schnittstelle ist bei ${provider} ausgeschaltet. Schalte sie dort ein, warte eine Minute und prüfe noch einmal.`,
    scope_missing: () => 'Beim Verbinden fehlte die Erlaubnis dafür. Verbinde neu und erlaube es; Kopie und Einstellungen bleiben.',
    admin_blocked: () => 'Wer dieses Konto verwaltet, lässt diese App nicht zu. Frag dort nach oder verbinde ein anderes Konto.',
    storage_full: (provider) => `Der Speicher bei ${provider} ist voll: Lesen geht, hinzufügen nicht. Schaffe dort Platz und prüfe noch einmal.`,
    no_mailbox: () => 'Zu diesem Konto gehört kein Postfach. Verbinde eines, das ein Postfach hat.',
    trial_over: (provider) => `Die Registrierung bei ${provider} ist auf Probe, und damit endet eine Zustimmung nach einigen Tagen. Veröffentliche sie und verbinde neu; Kopie und Einstellungen bleiben.`,
    clock_wrong: () => 'Die Uhr des Rechners, auf dem dieses Haus läuft, geht falsch, deshalb wird die Anmeldung abgelehnt. Stelle sie und prüfe noch einmal.'
  },
  there: {
    api_disabled: (provider) => `Bei ${provider} einschalten`,
    scope_missing: (provider) => `${provider} öffnen`,
    admin_blocked: (provider) => `${provider} öffnen`,
    storage_full: (provider) => `Bei ${provider} Platz schaffen`,
    no_mailbox: (provider) => `${provider} öffnen`,
    trial_over: (provider) => `Bei ${provider} veröffentlichen`,
    clock_wrong: (provider) => `${provider} öffnen`
  },
  here: {
    api_disabled: 'Noch einmal prüfen',
    scope_missing: 'Neu verbinden und erlauben',
    admin_blocked: 'Anderes Konto verbinden',
    storage_full: 'Noch einmal prüfen',
    no_mailbox: 'Anderes Konto verbinden',
    trial_over: 'Neu verbinden',
    clock_wrong: 'Noch einmal prüfen'
  }
};

export const hook: Words['hook'] = {
  title: 'Adresse für den Anbieter',
  text: 'Dieser Dienst meldet sofort, was geschieht, indem er es an eine Adresse dieses Hauses sendet. Trage diese in seiner Konsole als Webhook- oder Callback-Adresse ein.',
  address: 'Adresse',
  copyWhat: 'Adresse für den Anbieter',
  noName:
    'Soweit dieser Browser sieht, hat dieses Haus keinen öffentlichen Namen, der Anbieter kann es also nicht erreichen. Es braucht einen Namen mit Zertifikat oder einen Tunnel, der /hooks/ durchlässt; die Adresse ist dieser Name und was hier steht.',
  secret: 'Behalte sie für dich. Wer sie kennt, kann anklopfen; angenommen wird aber nur, was der Anbieter unterschrieben hat.',
  renew: 'Neue Adresse erstellen',
  renewTitle: (name) => `Neue Adresse für ${name} erstellen?`,
  renewText: 'Die jetzige führt dann nirgendwohin. Was der Anbieter sendet, kommt wieder an, sobald dort die neue eingetragen ist.',
  renewConfirm: 'Neue erstellen',
  renewCancel: 'Diese behalten'
};

export const accounts: Words['accounts'] = {
  title: 'Verbindungen',
  intro: 'Die Dienste, in denen der Assistent nachsehen und handeln kann. Ihr Inhalt wird verschlüsselt auf diesen Server kopiert.',
  add: 'Dienst hinzufügen',
  none: 'Noch ist nichts verbunden.',
  noneText: 'Wähle unten einen Dienst aus, um zu beginnen.',
  noCatalogue: 'Es läuft kein Konnektor. Starte einen, dann erscheint er hier innerhalb einer Minute.',
  connected: 'Verbunden',
  attention: 'Braucht dich',
  syncing: 'Wird kopiert',
  syncFailed: 'Das letzte Kopieren ist gescheitert.',
  synced: 'Auf dem neuesten Stand',
  notSynced: 'Noch nicht kopiert',
  of: (done, total) => `${done} von ${total}`,
  check: 'Prüfen',
  checkAgain: 'Noch einmal prüfen',
  checking: 'Wird geprüft …',
  checkOk: 'Alle Schritte sind gelungen.',
  checkFailed: 'Ein Schritt ist gescheitert.',
  stepOk: 'gelungen',
  stepFailed: 'gescheitert',
  remove: 'Entfernen',
  removeTitle: (name) => `${name} entfernen?`,
  removeText: 'Das Passwort wird vernichtet und die Kopie auf diesem Server gelöscht. Beim Anbieter ändert sich nichts. Das Protokoll bleibt.',
  removeConsentText:
    'Die Schlüssel werden vernichtet, die Kopie auf diesem Server wird gelöscht, und die Zustimmung beim Anbieter wird beendet, wo das von hier aus geht. Das Protokoll bleibt.',
  removeConfirm: 'Entfernen',
  removeCancel: 'Behalten',
  connect: 'Verbinden',
  connecting: 'Wird verbunden …',
  connectingText: 'Der Server meldet sich wirklich an und sieht sich um. Das kann eine halbe Minute dauern.',
  formTitle: (name) => `${name} verbinden`,
  nameLabel: 'Name in dieser Liste',
  moreSettings: 'Weitere Einstellungen',
  notSaved: 'Es wurde nichts gespeichert. Was du getippt hast, ist noch da.',
  nowConnected: (name) => `${name} ist verbunden.`,
  required: 'Das wird gebraucht.',
  wholeNumber: 'Hier wird eine ganze Zahl gebraucht.',
  atLeast: (value) => `Mindestens ${value}.`,
  atMost: (value) => `Höchstens ${value}.`,
  added: 'hinzugefügt',
  connectedTo: 'Konten',
  approveTitle: (name) => `Darf ${name} laufen?`,
  approveText: 'Dieser Konnektor ist hier neu oder hat sich seit deiner Erlaubnis geändert. Er bekommt nichts, bis du genau diese Fassung erlaubst.',
  approve: 'Diese Fassung erlauben',
  needsApproval: 'Braucht deine Erlaubnis',
  digest: 'Fingerabdruck',
  version: (version) => `Version ${version}`,
  tools: 'Was er kann',
  notRunning: 'Läuft nicht',
  choices: { tls: 'TLS', starttls: 'STARTTLS', none: 'Keine, unterwegs lesbar' },
  effects: {
    read: 'Liest',
    write: 'Ändert deine Daten',
    send: 'Erreicht andere, fragt immer zuerst',
    delete: 'Löscht, fragt immer zuerst'
  },
  lines: 'Je Zeile eines.',
  badEmail: 'Eine Mailadresse sieht aus wie ada@home.example.',
  badUrl: 'Eine Adresse beginnt mit https:// oder http://.',
  badForm: 'Das hat nicht die Form, die hier erwartet wird.',
  correct: (count) => `${so(count, { one: 'Feld braucht', other: 'Felder brauchen' })} deine Aufmerksamkeit.`,
  goneTitle: 'Dieser Dienst läuft nicht.',
  goneText: 'Vielleicht wurde sein Konnektor angehalten. Er erscheint wieder in der Liste, sobald er läuft.',
  toList: 'Alle Verbindungen',
  share: 'Teilen',
  lentBy: (person) => `Geteilt von ${person}`,
  giveBack: 'Zurückgeben',
  giveBackTitle: (name) => `${name} zurückgeben?`,
  giveBackText: 'Die Kopie auf diesem Server wird gelöscht. Für den, der es teilt, ändert sich nichts.',
  again: 'Neu verbinden',
  againText: 'Gib das Passwort neu ein. Die alte Verbindung wird entfernt, sobald die neue geht.',
  hold: 'Nach deinem Ja noch zurückhalten',
  holdFor: (seconds) =>
    !seconds
      ? 'gar nicht, sofort senden'
      : seconds < 60
        ? so(seconds, { one: 'Sekunde', other: 'Sekunden' })
        : seconds === 60
          ? 'eine Minute'
          : so(Math.round(seconds / 6) / 10, { one: 'Minute', other: 'Minuten' }),
  holdAs: (time) => `wie im Haus: ${time}`,
  holdHouse: 'wie im Haus',
  removed: 'entfernt.',
  lastSync: 'Zuletzt kopiert'
};

export const routes: Words['routes'] = {
  question: 'Ein Modell außerhalb des Hauses sieht:',
  legend: (name) => `Was darf ein Modell außerhalb des Hauses von ${name} sehen?`,
  legendNew: 'Was darf es von diesem Konto sehen?',
  told: (model) => `${model} läuft nicht auf deinen eigenen Rechnern: Was es für eine Antwort liest, verlässt das Haus.`,
  choices: {
    cloud_ok: { label: 'Alles', text: 'Alles, was für eine Antwort nachgesehen wird.' },
    redact: {
      label: 'Ohne Namen und Nummern',
      text: 'Gefundene werden vorher ersetzt und in der Antwort und in dem, was du erlaubst, wieder eingesetzt.'
    },
    local_only: {
      label: 'Nichts: nur lokale Modelle',
      text: 'Stattdessen antwortet ein lokales Modell, wenn eines gewählt ist. Sonst siehst du das Gefundene, und das Modell nicht.'
    }
  },
  limits:
    'Namen werden gefunden, wenn sie in den Feldern einer Mail oder eines Termins stehen, Adressen und Nummern an ihrer Form. Ein Name, der nur im Text steht, nicht. Was vorher gelesen wurde, bleibt gelesen.',
  saved: (name, label) => `${name}: ${label}.`,
  laxerTitle: (name) => `Mehr von ${name} zeigen?`,
  laxerText: (label) => `Von der nächsten Antwort an sieht ein Modell außerhalb des Hauses: ${label}.`,
  laxerConfirm: 'Zeigen',
  laxerCancel: 'So lassen',
  passwordHint: 'Noch einmal, weil dann mehr das Haus verlässt.',
  ownTitle: 'Was du tippst und mitgibst',
  ownName: 'was du tippst',
  filesName: 'Dateien, die du mitgibst',
  sender: (name) => `was ${name} schreibt`,
  gone: 'ein entferntes Konto',
  line: 'Wer mitliest',
  local: (model) => `Lokales Modell ${model}`,
  cloud: (model) => `Cloud-Modell ${model}`,
  count: (count, isAccounts) => so(count, isAccounts ? { one: 'Konto', other: 'Konten' } : { one: 'Quelle', other: 'Quellen' }),
  redacted: (what) => `${what} geschwärzt`,
  withheld: (what) => `${what} nur für lokale Modelle`,
  seen: { redacted: 'für das Modell geschwärzt', withheld: 'dem Modell nicht gezeigt', local: 'nur vom lokalen Modell gelesen' },
  answeredLocally: (model, names) => `Beantwortet vom lokalen Modell ${model}, wegen dem, was nur lokale Modelle sehen dürfen: ${names}.`,
  answeredWithout: (model, names) => `${model} bekam nicht zu sehen, was nur lokale Modelle sehen dürfen: ${names}. Du siehst es in den Schritten.`,
  answeredRedacted: (model) => `${model} las Platzhalter anstelle der gefundenen Namen und Nummern.`,
  chooseLocal: 'Lokales Modell wählen'
};
