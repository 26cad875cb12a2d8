// Builds the console into gateway/console/dist, which the operator's port serves. Run after every install, by `prepare`.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = import.meta.dirname;

/** Builds it. Rejects when the builder is not installed, as in an image that has only what servers need. */
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
