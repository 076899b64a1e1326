import { words } from '$lib/words';

export type Theme = 'system' | 'light' | 'dark';

const read = (): Theme => {
  const chosen = document.documentElement.dataset.theme;
  return chosen === 'light' || chosen === 'dark' ? chosen : 'system';
};

/** The chosen appearance; `static/theme.js` applies it before the first paint. */
class ThemeState {
  #value = $state<Theme>(read());

  get value(): Theme {
    return this.#value;
  }

  set value(theme: Theme) {
    this.#value = theme;
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    try {
      if (theme === 'system') localStorage.removeItem('theme');
      else localStorage.setItem('theme', theme);
    } catch {
      // Storage is refused: the choice holds until the page is closed.
    }
  }
}

export const theme = new ThemeState();

/** What can be chosen, each by its name. */
export const themeNames = (): { value: Theme; label: string }[] => [
  { value: 'system', label: words.shell.themeSystem },
  { value: 'light', label: words.shell.themeLight },
  { value: 'dark', label: words.shell.themeDark }
];
