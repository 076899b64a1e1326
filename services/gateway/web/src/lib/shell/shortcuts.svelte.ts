export type Act = 'palette' | 'new' | 'search' | 'next' | 'previous' | 'compose' | 'approvals' | 'help';

/** Which key does what by itself; the palette takes Ctrl or ⌘ in addition. */
export const KEYS: Readonly<Record<Exclude<Act, 'palette'>, string>> = {
  new: 'n',
  search: '/',
  next: 'j',
  previous: 'k',
  compose: 'm',
  approvals: 'd',
  help: '?'
};
const ACTS = new Map(Object.entries(KEYS).map(([act, key]) => [key, act as Act]));

const APPLE = /Mac|iPhone|iPad/;

/** What the palette's key is called here. */
export const paletteKey = (platform: string): string => (APPLE.test(platform) ? '⌘ K' : 'Ctrl K');

/** As much of a key press as matters. */
export type Press = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey' | 'repeat' | 'isComposing' | 'defaultPrevented'> & {
  target: EventTarget | null;
};

/** What a key press asks for; null for nothing of ours. Keys by themselves rest while somebody types, and where `single` is off. */
export function actOf(press: Press, { single, platform }: { single: boolean; platform: string }): Act | null {
  if (press.defaultPrevented || press.repeat || press.isComposing || press.altKey) return null;
  if (press.ctrlKey || press.metaKey) {
    const ours = APPLE.test(platform) ? press.metaKey && !press.ctrlKey : press.ctrlKey && !press.metaKey;
    return ours && !press.shiftKey && press.key.toLowerCase() === 'k' ? 'palette' : null;
  }
  if (!single || isBusy(press.target)) return null;
  if (press.shiftKey && /^[a-z]$/i.test(press.key)) return null;
  return ACTS.get(press.key) ?? null;
}

const TYPES = 'input, textarea, select, [contenteditable=""], [contenteditable="true"], [role="textbox"], [role="combobox"], [role="searchbox"]';
const OWN_KEYS = '[role="menu"], [role="listbox"], [role="dialog"], [role="alertdialog"], [role="radiogroup"]';

/** Whether keys mean something else there: text, or a choice by its first letter. */
function isBusy(target: EventTarget | null): boolean {
  return target instanceof Element && (target.closest(TYPES) !== null || target.closest(OWN_KEYS) !== null);
}

const PLACE = 'single-keys';

/** Whether keys by themselves do anything (WCAG 2.1.4); kept in this browser. */
class SingleKeys {
  #on = $state(stored());

  get on(): boolean {
    return this.#on;
  }

  set on(on: boolean) {
    this.#on = on;
    try {
      if (on) localStorage.removeItem(PLACE);
      else localStorage.setItem(PLACE, 'off');
    } catch {
      // Storage is refused: the choice holds until the page is closed.
    }
  }
}

function stored(): boolean {
  try {
    return localStorage.getItem(PLACE) !== 'off';
  } catch {
    return true;
  }
}

export const singleKeys = new SingleKeys();
