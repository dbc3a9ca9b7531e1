// Builds the three places one after the other, and says how large they are.
import { gzipSync } from 'node:zlib'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const out = here('../src/pellucid/faces/explorer')

rmSync(out, { recursive: true, force: true })
for (const mode of ['app', 'page', 'widget']) {
  await build({ configFile: here('vite.config.ts'), mode, logLevel: 'warn' })
}
for (const name of readdirSync(out).sort()) {
  const bytes = readFileSync(`${out}/${name}`)
  console.log(`${name.padEnd(12)} ${String(bytes.length).padStart(8)} bytes  ${String(gzipSync(bytes).length).padStart(7)} gzipped`)
}
