// Builds the console into gateway/console/dist, which the operator's port serves. Run after every install, by `prepare`.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadConsole } from '../operator/console.ts';

const ROOT = import.meta.dirname;

/** What a browser has to load before it shows anything, compressed: little enough for a phone with a bad connection. */
const GZIP_BYTES_MAX = 122_880;

/** @throws when a built console's files are more than that together */
export async function checkSize(dir: string): Promise<void> {
  const files = [...(await loadConsole(dir)).values()];
  const bytes = files.reduce((sum, { gzipped }) => sum + gzipped.length, 0);
  if (bytes <= GZIP_BYTES_MAX) return;
  throw new Error(`the console has ${bytes} bytes compressed, and may have ${GZIP_BYTES_MAX}: leave something out`);
}

/**
 * Builds it. Rejects when the builder is not installed, as in an image that has only what servers need, and when it would be
 * too large.
 */
export async function buildConsole(outDir: string): Promise<void> {
  const { build } = await import('vite');
  await build({
    root: ROOT,
    // Nothing of this machine's settings: the same sources give the same files.
    configFile: false,
    envDir: false,
    logLevel: 'warn',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: { outDir, emptyOutDir: true, target: 'es2023', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  });
  await checkSize(outDir);
}

if (import.meta.main) {
  const outDir = join(ROOT, 'dist');
  try {
    await buildConsole(outDir);
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
    if (!isMissing) throw error;
    const built = existsSync(join(outDir, 'index.html'));
    console.error(
      `the console is not built, because vite is not installed; ${built ? 'the earlier one stays' : 'there is none'}`,
    );
  }
}
