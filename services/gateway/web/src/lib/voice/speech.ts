/**
 * Speech by what the browser has on this device, and by nothing else: most browsers would send a voice, and some a text,
 * to their maker (Web Speech API; `processLocally` and `available()` of its recognition, `localService` of its voices).
 */
const VOICES_SECONDS = 1.5;

/** Voices that speak on this device; some browsers name them late. */
export async function localVoices(): Promise<SpeechSynthesisVoice[]> {
  if (!('speechSynthesis' in window)) return [];
  if (!speechSynthesis.getVoices().length) {
    await new Promise<void>((resolve) => {
      speechSynthesis.addEventListener('voiceschanged', () => resolve(), { once: true });
      setTimeout(resolve, VOICES_SECONDS * 1000);
    });
  }
  return speechSynthesis.getVoices().filter((each) => each.localService);
}

/** The voice for a language: one of the same country before one of another. */
export function voiceFor(voices: readonly SpeechSynthesisVoice[], tag: string): SpeechSynthesisVoice | null {
  const plain = (each: string): string => each.replace('_', '-').toLowerCase();
  const speaks = (each: SpeechSynthesisVoice, wanted: string): boolean => plain(each.lang).startsWith(wanted);
  return (
    voices.find((each) => plain(each.lang) === plain(tag)) ??
    voices.find((each) => speaks(each, plain(tag).split('-')[0] ?? '')) ??
    voices.find((each) => each.default) ??
    voices[0] ??
    null
  );
}

interface Heard extends Event {
  resultIndex: number;
  results: ArrayLike<ArrayLike<{ transcript: string }> & { isFinal: boolean }>;
}

export interface Recognition extends EventTarget {
  lang: string;
  continuous: boolean;
  interimResults: boolean;
  processLocally: boolean;
  onresult: ((event: Heard) => void) | null;
  onerror: ((event: Event & { error: string }) => void) | null;
  onend: (() => void) | null;
  start(): void;
  stop(): void;
  abort(): void;
}

interface Recognizer {
  new (): Recognition;
  available?(wanted: { langs: string[]; processLocally: true }): Promise<string>;
  install?(wanted: { langs: string[]; processLocally: true }): Promise<boolean>;
}

function recognizer(): Recognizer | null {
  const found = window as { SpeechRecognition?: Recognizer; webkitSpeechRecognition?: Recognizer };
  return found.SpeechRecognition ?? found.webkitSpeechRecognition ?? null;
}

/** Whether this browser writes down what is said on this device: now, after it has fetched the language, or never. */
export async function writing(tag: string): Promise<'ready' | 'fetched' | 'never'> {
  const known = recognizer();
  if (!known?.available) return 'never';
  const found = await known.available({ langs: [tag], processLocally: true }).catch(() => 'unavailable');
  if (found === 'available') return 'ready';
  return known.install && found !== 'unavailable' ? 'fetched' : 'never';
}

/** Has the browser fetch a language from its maker; false where it does not. */
export async function fetchLanguage(tag: string): Promise<boolean> {
  return (await recognizer()?.install?.({ langs: [tag], processLocally: true }).catch(() => false)) ?? false;
}

/** Listens on this device; null where that cannot be. */
export function listening(tag: string): Recognition | null {
  const known = recognizer();
  if (!known?.available) return null;
  const found = new known();
  return Object.assign(found, { lang: tag, continuous: true, interimResults: true, processLocally: true });
}

/** What a result says: what is certain from here on, and what may still change. */
export function heardIn({ results, resultIndex }: Heard): { certain: string; open: string } {
  const found = Array.from({ length: results.length - resultIndex }, (_, at) => results[resultIndex + at]);
  const text = (final: boolean): string =>
    found.filter((each) => each?.isFinal === final).map((each) => each?.[0]?.transcript ?? '').join('').trim();
  return { certain: text(true), open: text(false) };
}
