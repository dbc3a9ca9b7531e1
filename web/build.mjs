// Builds the three places one after the other, and says how large they are. Finished files take the old ones' places one
// by one, so that whoever has the explorer open meanwhile isn't left without.
import { gzipSync } from 'node:zlib'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const out = here('../src/pellucid/faces/explorer')

mkdirSync(out, { recursive: true })
const made = mkdtempSync(`${out}-`) // beside it: a rename doesn't cross file systems
try {
  for (const mode of ['app', 'page', 'widget']) {
    await build({ configFile: here('vite.config.ts'), mode, logLevel: 'warn', build: { outDir: made } })
  }
  const names = readdirSync(made).sort()
  for (const old of readdirSync(out)) if (!names.includes(old)) rmSync(`${out}/${old}`, { recursive: true })
  for (const name of names) {
    const bytes = readFileSync(`${made}/${name}`)
    renameSync(`${made}/${name}`, `${out}/${name}`)
    console.log(`${name.padEnd(12)} ${String(bytes.length).padStart(8)} bytes  ${String(gzipSync(bytes).length).padStart(7)} gzipped`)
  }
} finally {
  rmSync(made, { recursive: true, force: true })
}
