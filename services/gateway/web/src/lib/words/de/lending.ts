import type { LendingWords } from '../types';

export const lending: LendingWords = {
  title: (name) => `${name} mit jemandem hier teilen?`,
  text: 'Nur mit einer Person dieses Hauses, die es annehmen muss. Du kannst es jederzeit beenden; was davon kopiert wurde, wird dann gelöscht.',
  person: 'Benutzername',
  personHint: 'Der Name, mit dem die andere Person sich anmeldet.',
  may: 'Der Assistent dieser Person darf',
  access: { read: 'Lesen', act: 'Lesen und ändern' },
  accessText: {
    read: 'Nachsehen, und dafür kopieren.',
    act: 'Auch schreiben und senden, als du, jedes Mal nach einem Ja dieser Person. Gelöscht wird nie.'
  },
  what: 'Was geteilt wird',
  all: 'Das ganze Konto',
  some: 'Nur diese Kalender',
  whole: 'Dieser Dienst lässt sich nur als Ganzes teilen.',
  until: 'Bis',
  passwordHint: 'Noch einmal, weil jemand anderes es sehen wird.',
  offer: 'Anbieten',
  lentOut: 'Geteilt mit',
  lentTo: (person) => `Geteilt mit ${person}`,
  notTaken: 'noch nicht angenommen',
  everything: 'das ganze Konto',
  ends: 'bis',
  revoke: 'Nicht mehr teilen',
  revokeTitle: (person) => `Nicht mehr mit ${person} teilen?`,
  revokeText: 'Es endet sofort, und die Kopie davon wird gelöscht. Was in Unterhaltungen gelesen wurde, bleibt dort.',
  keep: 'Weiter teilen',
  offers: 'Dir angeboten',
  offered: (person, name) => `${person} möchte „${name}“ mit dir teilen`,
  offeredText: 'Bevor du annimmst, wird nichts davon kopiert. Wer es teilt, sieht im Protokoll, wann und wofür du es nutzt.',
  suggested: (service, person) => `${service} von ${person}`,
  accept: 'Annehmen',
  refuse: 'Ablehnen'
};
