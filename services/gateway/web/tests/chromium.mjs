import { existsSync } from 'node:fs';

/** How to start Chromium: the system's where there is one; else the one that `npx playwright install chromium` fetched. */
export const chromium = {
  executablePath: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path)),
  args: ['--no-sandbox']
};
