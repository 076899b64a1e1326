import adapter from '@sveltejs/adapter-static';
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

/**
 * SvelteKit's route announcer carries an inline style, which `style-src 'self'` refuses. The class does the same.
 * @type {import('svelte/compiler').PreprocessorGroup}
 */
const announcerWithoutInlineStyle = {
  name: 'announcer-without-inline-style',
  markup: ({ content, filename }) =>
    filename?.endsWith('generated/root.svelte')
      ? { code: content.replace(/(id="svelte-announcer"[^>]*?)\sstyle="[^"]*"/, '$1 class="sr-only"') }
      : undefined
};

/** @type {import('@sveltejs/kit').Config} */
export default {
  preprocess: [announcerWithoutInlineStyle, vitePreprocess()],
  compilerOptions: { runes: ({ filename }) => (filename.includes('node_modules') ? undefined : true) },
  kit: {
    adapter: adapter({ fallback: 'index.html', strict: false }),
    paths: { relative: false },
    serviceWorker: { register: false },
    typescript: {
      config: (config) => {
        config.include = [...config.include, '../tests/unit/**/*.ts'];
      }
    }
  }
};
