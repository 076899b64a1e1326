/** What an answer may say that it did: sent something, deleted something, or changed something. */
export type Deed = 'send' | 'delete' | 'change';

const VERBS: Record<Deed, string> = {
  send:
    'sent|e?-?mailed|forwarded|replied|invited|shared|submitted|published|posted|' +
    'gesendet|geschickt|verschickt|abgeschickt|versendet|abgesendet|weitergeleitet|geantwortet|beantwortet|eingeladen|geteilt|veröffentlicht',
  delete: 'deleted|erased|removed|trashed|unsubscribed|gelöscht|entfernt|abbestellt',
  change:
    'moved|archived|marked|flagged|created|added|scheduled|booked|updated|changed|saved|filed|cancell?ed|renamed|put|entered|drafted|' +
    'verschoben|archiviert|markiert|erstellt|angelegt|hinzugefügt|eingetragen|gebucht|geändert|aktualisiert|gespeichert|abgelegt|abgesagt|umbenannt|entworfen'
};
const ADVERBS = '(?:\\s+(?:just|now|already|also|successfully|then|both|gone ahead and))*';
/** What the assistant itself makes: of a meeting that was moved, a mail may tell just as well. */
const MADE = 'e?-?mails?|message|reply|answer|draft';
const GEMACHT = 'e?-?mails?|nachricht|antwort|entwurf';

/** "I have sent", "your reply has been sent", "ich habe … gesendet", "die Mail wurde gesendet". */
const shapes = (verbs: string): RegExp[] => [
  new RegExp(`\\b(?:I|we)(?:['’]ve|\\s+have)?${ADVERBS}\\s+(?:${verbs})(?![\\p{L}])`, 'iu'),
  new RegExp(`\\b(?:your|the)\\s+(?:${MADE})\\s+(?:has|have)${ADVERBS}\\s+been${ADVERBS}\\s+(?:${verbs})(?![\\p{L}])`, 'iu'),
  new RegExp(`(?:ich\\s+habe|habe\\s+ich|wir\\s+haben)(?![^.!?,;\\n]{0,160}\\b(?:nicht|nichts|kein\\p{L}*)\\b)[^.!?,;\\n]{0,80}?(?<![\\p{L}])(?:${verbs})(?![\\p{L}])`, 'iu'),
  new RegExp(`\\b(?:die|der|das|deine?|ihre?)\\s+(?:${GEMACHT})\\s+(?:wurde|ist)(?![^.!?,;\\n]{0,160}\\bnicht\\b)[^.!?,;\\n]{0,60}?(?<![\\p{L}])(?:${verbs})(?![\\p{L}])`, 'iu')
];
const CLAIMS = Object.entries(VERBS).map(([deed, verbs]) => [deed as Deed, shapes(verbs)] as const);

/** Words of others: between quotation marks, and quoted lines. They may say what they did. */
const QUOTED = /^\s*>.*$|"[^"\n]*"|“[^”\n]*”|„[^“\n]*“|«[^»\n]*»|`[^`]*`/gmu;

/**
 * What an answer claims to have done, by its words. It decides nothing: it lets the record be held against the claim.
 * Words in quotation marks are those of others.
 */
export function claimed(text: string): Deed[] {
  const own = text.replace(QUOTED, ' ');
  return CLAIMS.filter(([, forms]) => forms.some((form) => form.test(own))).map(([deed]) => deed);
}

/** Characters from which on a growing text is looked through at every `STEP` of them, and no more at each sentence. */
const LONG = 4_000;
const STEP = 400;
const ENDING = /[.!?:\n]["”“»)*]*\s/gu;

/** How far a text that is still written is to be looked through: to the end of its last sentence. */
export function lookedThrough(text: string): number {
  if (text.length > LONG) return text.length - (text.length % STEP);
  let end = 0;
  for (const each of text.matchAll(ENDING)) end = each.index + each[0].length;
  return Math.max(end, text.length - (text.length % STEP));
}
