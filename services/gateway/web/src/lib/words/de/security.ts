import { counting } from '../plural';
import type { Words } from '../types';

const so = counting('de');

export const security: Words['security'] = {
  title: 'Sicherheit',
  intro: 'Wie du hier hereinkommst, wo du angemeldet bist und was von dir ohne dich hereinkommt.',
  password: 'Passwort',
  passwordText: 'Womit du dich anmeldest, neben deinem Benutzernamen.',
  noPassword: 'Du hast hier keines: Du meldest dich bei einem Anbieter an, und was der sonst noch verlangt, ist seine Sache.',
  change: 'Passwort ändern',
  codes: 'Codes einer App',
  codesOff:
    'Deine Anmeldung verlangt nur dein Passwort. Mit einer App auf deinem Telefon verlangt sie auch einen Code, der jede halbe Minute wechselt. Ein Passwort, das jemand erfahren hat, genügt dann nicht.',
  codesOn: 'Nach deinem Passwort verlangt deine Anmeldung den Code, den deine App zeigt.',
  codesSince: 'eingeschaltet',
  codesNot: 'Von Programmen mit einem Token und bei der Anmeldung über einen Anbieter oder mit einem Passkey wird keiner verlangt.',
  setUp: 'App einrichten',
  settingUp: 'Wird vorbereitet …',
  again: 'Deine Anmeldung ist eine Weile her, deshalb wird dein Passwort noch einmal gebraucht.',
  scan: 'Scanne dies mit einer App für Einmalcodes, etwa der deines Telefons oder deines Passwortspeichers.',
  picture: 'QR-Code mit dem Geheimnis für deine App',
  typed: 'Oder tippe dort dieses Geheimnis ein:',
  copySecret: 'Geheimnis kopieren',
  shows: 'Code, den die App zeigt',
  showsHint: 'Sechs Ziffern. Nichts wird verlangt, bevor er einmal gestimmt hat.',
  turnOn: 'Einschalten',
  others: 'Deine anderen Anmeldungen enden damit.',
  cancel: 'So lassen',
  turnOff: 'Ausschalten',
  offTitle: 'Keine Codes mehr verlangen?',
  offText: 'Dann meldet dich dein Passwort allein an. Der Eintrag in der App und deine Wiederherstellungscodes sind danach nichts mehr wert.',
  offKeep: 'Eingeschaltet lassen',
  isOff: 'Deine Anmeldung verlangt keine Codes mehr.',
  recoveryLeft: (count) =>
    count === 0
      ? 'Kein Wiederherstellungscode ist übrig.'
      : count === 1
        ? 'Ein Wiederherstellungscode ist übrig.'
        : `${so(count, { other: 'Wiederherstellungscodes' })} sind übrig.`,
  recoveryFew: 'Mach neue, bevor der letzte fort ist: Ohne deine App könnte dich niemand hereinlassen, wenn du dieses Haus allein führst.',
  renew: 'Neue Wiederherstellungscodes',
  renewTitle: 'Neue Wiederherstellungscodes erstellen?',
  renewText: 'Die alten sind danach nichts mehr wert.',
  renewConfirm: 'Erstellen',
  recoveryTitle: 'Deine Wiederherstellungscodes',
  recoveryText:
    'Sie werden nur dieses eine Mal gezeigt. Jeder lässt dich einmal herein, wenn deine App verloren ist: Bewahre sie auf, wo du wichtige Papiere hast, nicht auf dem Telefon.',
  copyRefused: 'Auswählen und von Hand kopieren',
  copyCodes: 'Kopieren',
  kept: 'Ich habe sie aufbewahrt',
  sessions: 'Wo du angemeldet bist',
  here: 'hier',
  seen: 'benutzt',
  since: 'angemeldet',
  end: 'Abmelden',
  endTitle: (name) => `${name} abmelden?`,
  endText: 'Wer es dort benutzt, muss sich noch einmal anmelden.',
  endConfirm: 'Abmelden',
  endKeep: 'So lassen',
  ended: (name) => `${name} ist abgemeldet.`,
  browser: (browser, system) => (system ? `${browser} auf ${system}` : browser),
  unknownBrowser: 'Ein Programm',
  more: 'Mehr',
  ways: 'Anmeldung bei einem Anbieter',
  waysText: 'Wo du ohne ein Passwort dieses Hauses hereinkommst.',
  tokens: 'Token für Programme',
  tokensText: 'Womit deine Programme hereinkommen.',
  activity: 'Jede Anmeldung steht in deinem Protokoll.',
  toActivity: 'Ansehen'
};

export const passkeys: Words['passkeys'] = {
  title: 'Passkeys',
  text: 'Ein Passkey meldet dich ohne Passwort an: Dieses Gerät, dein Telefon oder ein Sicherheitsschlüssel fragt stattdessen nach deinem Finger, deinem Gesicht oder einer PIN. Er lässt sich nicht erraten, und keine andere Seite kann nach ihm fragen.',
  none: 'Du hast noch keinen.',
  add: 'Passkey hinzufügen',
  name: 'Name des Passkeys',
  nameHint: 'Daran erkennst du ihn in dieser Liste, etwa das Gerät, das ihn aufbewahrt.',
  goOn: 'Weiter im Browser',
  again: 'Deine Anmeldung ist eine Weile her, deshalb wird dein Passwort noch einmal gebraucht.',
  cancel: 'So lassen',
  refused: 'Der Browser hat keinen Passkey erstellt. Es wurde nichts geändert.',
  notShown: 'Der Browser hat keinen Passkey vorgezeigt.',
  alreadyThere: 'Dieses Gerät hat schon einen Passkey für dich.',
  added: (name) => `${name} meldet dich von jetzt an an.`,
  since: 'hinzugefügt',
  used: 'benutzt',
  neverUsed: 'noch nicht benutzt',
  synced: 'vom Hersteller auch für deine anderen Geräte aufbewahrt',
  elsewhere: (host) => `meldet nur bei ${host} an`,
  remove: 'Entfernen',
  removeTitle: (name) => `${name} entfernen?`,
  removeText: 'Hier meldet er dich dann nicht mehr an. Lösche ihn auch auf dem Gerät, sonst bietet er sich dort weiter an.',
  removeConfirm: 'Entfernen',
  removed: (name) => `${name} ist entfernt.`,
  enter: 'Mit einem Passkey anmelden',
  prove: 'Passkey verwenden',
  noName:
    'Ein Passkey gehört zu einem Namen, und die Adresse dieser Seite besteht aus Zahlen. Rufe das Haus auf dem Rechner selbst als localhost auf, anderswo unter seinem Namen, über https.',
  noTls: 'Browser haben Passkeys nur über https. Setze dieses Haus hinter einen Proxy mit TLS und rufe es dort auf.',
  noBrowser: 'Dieser Browser hat keine Passkeys.'
};
