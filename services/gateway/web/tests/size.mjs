/** The weight of the scripts, compressed: of the shell, of the first load of the heaviest page, of all. Fails where a first load is above its limit. */
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

/** The words of one language come with every first page, by an import of their own: the longest are counted. */
const manifest = JSON.parse(readFileSync(fileURLToPath(new URL('../.svelte-kit/output/client/.vite/manifest.json', import.meta.url)), 'utf8'));
const spoken = Object.entries(manifest)
  .filter(([source]) => /^src\/lib\/words\/[^/]+\/index\.ts$/.test(source))
  .map(([, { file }]) => file);
if (spoken.length < 2) throw new Error('The languages were not found in the build.');

const page = readFileSync(join(build, 'index.html'), 'utf8');
const entries = [...page.matchAll(/"\/(_app\/[^"]+\.js)"/g)].map(([, path]) => path ?? '');
const shell = new Set();
for (const entry of entries) closure(entry, shell);
closure(spoken.reduce((left, right) => (gzip(right) > gzip(left) ? right : left)), shell);

const nodes = Object.fromEntries(
  readdirSync(join(build, '_app/immutable/nodes')).map((name) => [name.split('.')[0], join('_app/immutable/nodes', name)])
);
const total = (/** @type {Iterable<string>} */ paths) => [...paths].reduce((sum, path) => sum + gzip(path), 0);

/** The root layout is in every page; the router's table names a page's own node and the layouts between. */
const table = entries.map((entry) => [...closure(entry, new Set())].map((path) => readFileSync(join(build, path), 'utf8'))).flat(2);
const routes = [...table.join('\n').matchAll(/"(\/[^"]*)":\[~?(\d+)(?:,\[([\d,]*)\])?/g)];
if (routes.length === 0) throw new Error('The table of routes was not found in the build.');
const pages = routes.map(([, route, page, layouts]) => {
  const loaded = new Set(shell);
  for (const node of ['0', page ?? '', ...(layouts ?? '').split(',')].filter(Boolean)) closure(nodes[node] ?? '', loaded);
  return { route, bytes: total(loaded) };
});
const heaviest = pages.reduce((left, right) => (right.bytes > left.bytes ? right : left));
const whole = new Set(shell);
for (const node of Object.values(nodes)) closure(node, whole);
const styles = readdirSync(join(build, '_app/immutable/assets')).filter((name) => name.endsWith('.css'));

const kilo = (/** @type {number} */ bytes) => `${(bytes / 1000).toFixed(1)} kB`;
for (const file of spoken) console.log(`words ${manifest && Object.keys(manifest).find((source) => manifest[source].file === file)} ${kilo(gzip(file))}`);
console.log(`shell ${kilo(total(shell))}`);
console.log(`first load of the heaviest page (${heaviest.route}) ${kilo(heaviest.bytes)}`);
console.log(`all pages ${kilo(total(whole))}`);
console.log(`styles ${kilo(total(styles.map((name) => join('_app/immutable/assets', name))))}`);
if (heaviest.bytes > LIMIT) {
  console.error(`The first load of ${heaviest.route} is above ${kilo(LIMIT)}.`);
  process.exitCode = 1;
}
