import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const sources = Object.keys(import.meta.glob(['../../src/**/*.svelte', '../../src/**/*.css', '../../src/**/*.ts', '!../../src/**/*.d.ts', '!../../src/lib/words/**']));

/** Tailwind's classes of one side, in any variant; `left-1/2` with half its own width back is the middle of both directions. */
const CLASSES =
  /(?<![\w-])(?:[a-z0-9\-\[\]]+:)*-?(?:(?:ml|mr|pl|pr|scroll-ml|scroll-mr|scroll-pl|scroll-pr)-(?:\d|\[|px|auto)[\w.\-\[\]]*|(?:left|right)-(?!1\/2)(?:\d|\[|px|auto|full)[\w.\-\[\]/]*|(?:border|rounded)-(?:l|r|tl|tr|bl|br)(?:-[\w]+)?|(?:text|float|clear)-(?:left|right))(?![\w-])/g;
/** The same in CSS. */
const PROPERTIES =
  /(?<![\w-])(?:(?:margin|padding|border|scroll-margin|scroll-padding)-(?:left|right)[\w-]*|left|right)\s*:\s|(?:text-align|float|clear)\s*:\s*(?:left|right)|border-(?:top|bottom)-(?:left|right)-radius/g;

test('no file names a side of the page but start and end, so that it can be turned round', () => {
  const found = sources.flatMap((path) => {
    const source = readFileSync(new URL(path, import.meta.url), 'utf8');
    return [...source.matchAll(path.endsWith('.css') ? PROPERTIES : CLASSES)].map(([each]) => `${path}: ${each}`);
  });
  expect(sources.length).toBeGreaterThan(100);
  expect(found).toEqual([]);
});

test('sides would be found', () => {
  expect('class="ml-2 sm:pl-[4rem] left-0 text-right border-l -mr-1 rounded-tl-md"'.match(CLASSES)).toHaveLength(7);
  expect('class="ms-2 left-1/2 start-0 text-end border-line left-title"'.match(CLASSES)).toBeNull();
  expect('padding-left: 1rem; text-align: right'.match(PROPERTIES)).toHaveLength(2);
});
