/**
 * The characters that turn the direction of what follows them (Unicode UAX #9, 2): with them a text, a file name or code
 * reads otherwise than it is. Right-to-left scripts need none of them.
 */
const TURNING = /[\u202A-\u202E\u2066-\u2069]/g;

/** The text with such characters as what they are, for reading. */
export const unturned = (text: string): string =>
  text.replace(TURNING, (character) => `⟨U+${character.charCodeAt(0).toString(16).toUpperCase()}⟩`);
