// Three builds of one front end, by mode: `app` (files for the local server), `page` (one HTML file with everything
// inside) and `widget` (a module for notebooks). Names carry no hashes, so that Python can name them.
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** Puts the script and the style sheet into the HTML file itself: a page has no files beside it. */
function oneFile(): Plugin {
  return {
    name: 'pellucid-one-file',
    enforce: 'post',
    generateBundle(_, bundle) {
      const html = Object.values(bundle).find((file) => file.fileName.endsWith('.html'))
      if (html?.type !== 'asset') throw new Error('page.html is not among the built files')
      let text = String(html.source)
      for (const [name, file] of Object.entries(bundle)) {
        if (file.type === 'chunk') {
          // Behind the data that it reads; `</script` can't stand in a script, `<!--` would change how it is parsed.
          const code = file.code.replaceAll(/<\/(script)/gi, '<\\/$1').replaceAll('<!--', '<\\!--')
          text = text.replace(/\s*<script type="module"[^>]*><\/script>/, '')
            .replace('</body>', () => `<script type="module" id="pellucid-code">${code}</script>\n</body>`)
        } else if (name.endsWith('.css')) {
          text = text.replace(/<link rel="stylesheet"[^>]*>/, () => `<style>${String(file.source)}</style>`)
        } else continue
        delete bundle[name]
      }
      html.source = text
    },
  }
}

/**
 * Two places of Svelte 5.57 keep what it has drawn with alive until the browser's next full collection, a pause of 10 ms
 * or more amid a stroke: Chromium holds a function that was given to queueMicrotask, which a promise's isn't; and V8
 * links the old table of a Map that is cleared to the new one.
 */
const KEPT: Readonly<Record<string, readonly (readonly [from: string, to: string])[]>> = {
  'dom/task.js': [['queueMicrotask(', 'Promise.resolve().then(']],
  'reactivity/sources.js': [[
    'export const old_values = new Map();',
    'export let old_values = new Map();\nexport function forget_old_values() { old_values = new Map(); }',
  ]],
  'reactivity/batch.js': [['flush_eager_effects, old_values,', 'flush_eager_effects, forget_old_values,'], ['old_values.clear()', 'forget_old_values()']],
}

/** Lets Svelte forget; says so where another version of it has other text. */
function forgetful(): Plugin {
  const seen = new Set<string>()
  return {
    name: 'pellucid-forgetful-svelte',
    transform(code, id) {
      const file = id.split('/svelte/src/internal/client/')[1]
      if (!file || !(file in KEPT)) return null
      seen.add(file)
      for (const [from, to] of KEPT[file] ?? []) {
        if (!code.includes(from)) this.error(`svelte's ${file} has no "${from}" any more: see KEPT in vite.config.ts`)
        code = code.replaceAll(from, to)
      }
      return { code, map: null }
    },
    buildEnd(error) {
      const missing = Object.keys(KEPT).filter((file) => !seen.has(file))
      if (!error && missing.length) this.error(`svelte has no ${missing.join(', ')} any more: see KEPT in vite.config.ts`)
    },
  }
}

export default defineConfig(({ mode }) => {
  const widget = mode === 'widget'
  const page = mode === 'page'
  return {
    root: here(mode === 'test' ? '.' : 'src/entries'),
    base: './',
    publicDir: false,
    plugins: [svelte({ configFile: false, compilerOptions: { runes: true } }), ...(mode === 'test' ? [] : [forgetful()]), ...(page ? [oneFile()] : [])],
    build: {
      outDir: here('../src/pellucid/faces/explorer'),
      emptyOutDir: false,
      target: 'es2022',
      assetsInlineLimit: 0,
      modulePreload: false,
      cssCodeSplit: false,
      ...(widget
        ? { lib: { entry: here('src/entries/widget.ts'), formats: ['es'], fileName: () => 'widget.js', cssFileName: 'widget' } }
        : {}),
      rolldownOptions: {
        ...(widget ? {} : { input: here(`src/entries/${page ? 'page' : 'app'}.html`) }),
        output: {
          entryFileNames: `${mode}.js`,
          assetFileNames: (file) => (file.names.some((name) => name.endsWith('.css')) ? `${mode}.css` : '[name][extname]'),
          codeSplitting: false,
        },
      },
    },
    // A classic script: from a double-clicked file Chromium starts no module worker.
    worker: { format: 'iife', rolldownOptions: { output: { entryFileNames: 'worker.js' } } },
    test: { include: ['tests/**/*.test.ts'], environment: 'node' },
  }
})
