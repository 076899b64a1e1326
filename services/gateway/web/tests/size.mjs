/** The weight of the scripts, compressed: of the shell, of the heaviest page, of all. Fails where all is above the limit for the first load. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const LIMIT = 200_000;
const build = fileURLToPath(new URL('../build', import.meta.url));
const gzip = (/** @type {string} */ path) => gzipSync(readFileSync(join(build, path)), { level: 9 }).length;

/** The scripts that a script imports on its own account, and those. */
function closure(/** @type {string} */ path, /** @type {Set<string>} */ seen) {
  if (seen.has(path)) return seen;
  seen.add(path);
  const source = readFileSync(join(build, path), 'utf8');
  for (const [, target] of source.matchAll(/(?:import|from)\s*["'](\.[^"']+\.js)["']/g)) {
    closure(join(path, '..', target ?? ''), seen);
  }
  return seen;
}

const page = readFileSync(join(build, 'index.html'), 'utf8');
const entries = [...page.matchAll(/"\/(_app\/[^"]+\.js)"/g)].map(([, path]) => path ?? '');
const shell = new Set();
for (const entry of entries) closure(entry, shell);

const all = readdirSync(join(build, '_app/immutable/nodes')).map((name) => join('_app/immutable/nodes', name));
const total = (/** @type {Iterable<string>} */ paths) => [...paths].reduce((sum, path) => sum + gzip(path), 0);

const sizes = all.map((node) => ({ node, bytes: total(closure(node, new Set(shell))) })).sort((left, right) => right.bytes - left.bytes);
const whole = new Set(shell);
for (const node of all) closure(node, whole);
const styles = readdirSync(join(build, '_app/immutable/assets')).filter((name) => name.endsWith('.css'));

const kilo = (/** @type {number} */ bytes) => `${(bytes / 1000).toFixed(1)} kB`;
console.log(`shell ${kilo(total(shell))}`);
console.log(`heaviest page with the shell ${kilo(sizes[0]?.bytes ?? 0)}`);
console.log(`everything ${kilo(total(whole))}`);
console.log(`styles ${kilo(total(styles.map((name) => join('_app/immutable/assets', name))))}`);
if (total(whole) > LIMIT) {
  console.error(`The first load is above ${kilo(LIMIT)}.`);
  process.exitCode = 1;
}
