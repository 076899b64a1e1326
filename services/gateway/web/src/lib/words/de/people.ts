import { counting } from '../plural';
import type { Words } from '../types';

const so = counting('de');

export const people: Words['people'] = {
  title: 'Personen',
  intro: 'Wer in diesem Haus wohnt. Du siehst, wer es ist und was jede Person hier darf, und nichts von dem, was sie tut.',
  notOwner: 'Um die Personen dieses Hauses kümmern sich seine Eigentümer.',
  invite: 'Jemanden einladen',
  inviteText: 'Ein Link lässt eine Person herein, einmal. Übergib ihn selbst: Wer ihn hat, kann ihn benutzen.',
  label: 'Für wen ist er?',
  labelHint: 'Daran erkennst du ihn in der Liste. Sonst sieht es niemand.',
  ends: 'Endet nach',
  days: (count) => (count === 1 ? 'einem Tag' : so(count, { one: 'Tag', other: 'Tagen' })),
  make: 'Link erstellen',
  madeTitle: 'Die Einladung',
  madeText: 'Sie wird nur dieses eine Mal gezeigt und lässt eine Person herein. Kopiere sie jetzt und übergib sie auf einem Weg, dem du vertraust.',
  resetTitle: (name) => `Der Link zu einem neuen Passwort für ${name}`,
  resetText: 'Er wird nur dieses eine Mal gezeigt. Er gilt ab morgen, oder sobald die Person in einem ihrer Browser sagt, dass sie es wünscht. Sie erfährt, dass du ihn erstellt hast.',
  done: 'Ich habe ihn',
  copyRefused: 'Auswählen und von Hand kopieren',
  living: 'Wer hier wohnt',
  alone: 'Du wohnst allein hier.',
  aloneText: 'Lade jemanden ein: Jede Person hat eigene Konten, Unterhaltungen und ein eigenes Gedächtnis, und niemand sieht die der anderen.',
  you: 'du',
  role: { owner: 'Eigentümer', member: 'Mitglied' },
  since: 'eingezogen',
  shutOut: 'Ausgesperrt',
  leaves: 'Alles von dieser Person wird gelöscht:',
  open: 'Offene Einladungen',
  unnamed: 'Ohne Namen',
  revoke: 'Widerrufen',
  revokeTitle: (label) => `Die Einladung „${label}“ widerrufen?`,
  revokeText: 'Ihr Link lässt niemanden mehr herein.',
  revokeCancel: 'Behalten',
  revoked: 'Die Einladung ist widerrufen.',
  more: (name) => `Was mit ${name} zu tun ist`,
  cancel: 'So lassen',
  password: 'Dein Passwort',
  passwordHint: 'Noch einmal, weil deine Anmeldung eine Weile her ist.',
  actions: {
    owner: {
      label: 'Zum Eigentümer machen',
      title: (name) => `${name} zum Eigentümer machen?`,
      text: 'Ein Eigentümer führt das Haus wie du: Modell, Konnektoren, Grenzen und wer hier wohnt, auch du. Inhalte anderer werden dadurch nicht sichtbar.',
      confirm: 'Zum Eigentümer machen',
      done: (name) => `${name} ist jetzt Eigentümer.`
    },
    member: {
      label: 'Zum Mitglied machen',
      title: (name) => `${name} zum Mitglied machen?`,
      text: 'Ein Mitglied nutzt das Haus und führt es nicht. Einladungen dieser Person enden.',
      confirm: 'Zum Mitglied machen',
      done: (name) => `${name} ist jetzt Mitglied.`
    },
    handOver: {
      label: 'Haus übergeben',
      title: (name) => `Dieses Haus an ${name} übergeben?`,
      text: 'Diese Person wird an deiner Stelle Eigentümer, und du wirst Mitglied. Deine Daten bleiben deine. Ein von dir eingegebener Schlüssel des Modells gilt weiter, bis ein anderer eingegeben wird, und geht mit dir.',
      confirm: 'Übergeben',
      done: (name) => `${name} führt jetzt dieses Haus.`
    },
    reset: {
      label: 'Link zu einem neuen Passwort',
      title: (name) => `Für ${name} einen Link zu einem neuen Passwort erstellen?`,
      text: 'Du setzt es nie selbst: Übergib den Link. Die Person erfährt davon und kann ablehnen. Er gilt ab morgen, oder sobald sie in einem ihrer Browser zustimmt.',
      confirm: 'Link erstellen',
      factors: 'App und Passkeys sind auch verloren: Der Link nimmt sie fort',
      done: (name) => `Der Link für ${name} ist erstellt.`
    },
    suspend: {
      label: 'Aussperren',
      title: (name) => `${name} aussperren?`,
      text: 'Die Person wird überall abgemeldet, ihre Programme und Zeitpläne halten an, und was auf das Senden wartet, wird nicht gesendet. Ihre Daten bleiben.',
      confirm: 'Aussperren',
      done: (name) => `${name} ist ausgesperrt.`
    },
    resume: {
      label: 'Wieder hereinlassen',
      title: (name) => `${name} wieder hereinlassen?`,
      text: 'Die Person meldet sich an wie zuvor. Was inzwischen fällig war, wird nachgeholt, wie jeder Zeitplan es sagt.',
      confirm: 'Wieder hereinlassen',
      done: (name) => `${name} ist wieder da.`
    },
    removal: {
      label: 'Entfernen',
      title: (name) => `${name} aus diesem Haus entfernen?`,
      text: 'Die Person erfährt es jetzt und hat zwei Wochen, ihre Daten mitzunehmen. Danach wird alles von ihr gelöscht, und nichts bringt es zurück. Bis dahin kannst du sie behalten.',
      confirm: 'In zwei Wochen entfernen',
      done: (name) => `${name} hat es erfahren.`
    },
    keep: {
      label: 'Behalten',
      title: (name) => `${name} behalten?`,
      text: 'Nichts von dieser Person wird gelöscht.',
      confirm: 'Behalten',
      done: (name) => `${name} bleibt.`
    }
  }
};

export const told: Words['told'] = {
  region: 'Was mit deinem Konto geschah',
  reset_offered: (by) => `${by} hat einen Link erstellt, der ein neues Passwort für dich setzt.`,
  resetQuestion: 'Hast du darum gebeten? Ohne ein Wort von dir gilt er einen Tag nach seiner Erstellung.',
  resetOpen: 'Der Link gilt jetzt.',
  resetFactors: 'Er nimmt auch deinen zweiten Faktor und deine Passkeys fort.',
  agree: 'Ja, jetzt gelten lassen',
  refuse: 'Nein, Link beenden',
  reset_used: (by) => `Dein Passwort wurde neu gesetzt, mit einem Link, den ${by} erstellt hat.`,
  role_changed: (by) => `${by} hat geändert, was du in diesem Haus bist: Eigentümer oder Mitglied.`,
  lent: (by) => `${by} möchte ein Konto mit dir teilen.`,
  resumed: (by) => `${by} hatte dich aus diesem Haus ausgesperrt und dich wieder hereingelassen.`,
  leaving: (by) => `${by} entfernt dich aus diesem Haus. Alles von dir wird gelöscht, und zwar`,
  leavingHow: 'Nimm bis dahin mit, was du behalten möchtest.',
  codes_on: () => 'Deine Anmeldung verlangt von jetzt an den Code einer App.',
  codes_off: () => 'Deine Anmeldung verlangt keinen Code einer App mehr.',
  recovery_used: () => 'Jemand hat sich mit einem deiner Wiederherstellungscodes als du angemeldet.',
  passkey_added: (by) => `Der Passkey „${by}“ meldet dich von jetzt an an.`,
  passkey_removed: (by) => `Der Passkey „${by}“ meldet dich nicht mehr an.`,
  passkey_doubtful: (by) =>
    `Der Passkey „${by}“ wurde abgelehnt: Er zählte rückwärts, wie eine Kopie von ihm es täte. Wenn du ihn nicht kopiert hast, entferne ihn.`,
  notYou: 'Wenn du das nicht warst, ändere dein Passwort.',
  toSecurity: 'Sicherheit',
  seen: 'Ich habe es gesehen',
  toData: 'Deine Daten'
};

export const house: Words['house'] = {
  title: 'Über dieses Haus',
  plain: 'Dieses Haus wird von seinen Eigentümern geführt. Niemand sonst hat Regeln dafür gesetzt.',
  runBy: 'Betrieben von',
  contact: 'Kontakt',
  policy: 'Eigene Regeln',
  ownTerms: 'Eigene Bedingungen',
  allowed: 'Was hier erlaubt ist',
  everything: 'alles',
  nothing: 'nichts',
  connectors: 'Dienste',
  models: 'Modelle',
  people: 'Personen',
  peopleMost: (count) => `höchstens ${count}`,
  age: 'Alter',
  ageLeast: (years) => `${years} und älter, nach eigener Angabe`,
  limits: 'Für das Modell, je Person',
  limit: {
    day_tokens: (count) => `${count} Token am Tag`,
    month_tokens: (count) => `${count} Token im Monat`,
    turn_tokens: (count) => `${count} Token je Antwort`
  },
  limitOther: 'und mehr, was unter „Verbrauch“ steht',
  sees: 'Was Eigentümer sehen',
  seesText:
    'Deinen Namen, deine Rolle und wie viel du das Modell nutzt. Nicht, was du schreibst, deine Konten oder was für dich getan wird. Wer den Rechner selbst hat, mit seinen Schlüsseln, könnte lesen, was darauf liegt.',
  welcome: 'Was das hier ist',
  privacy: 'Was von dir aufbewahrt wird',
  terms: 'Bedingungen',
  back: 'Zurück'
};
