// Every package of the lock file is under a licence that an MIT project may be used with; which ones is decided here.
import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** Permissive ones, and MPL-2.0, which asks for nothing but changes to its own files; only tools for development have it. */
const ALLOWED = new Set(['0BSD', 'Apache-2.0', 'BlueOak-1.0.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT']);
const ALLOWED_IN_DEVELOPMENT = new Set([...ALLOWED, 'MPL-2.0']);

const lockFile = z.object({
  packages: z.record(z.string(), z.object({ license: z.string().optional(), dev: z.boolean().default(false) })),
});

/** An SPDX expression: all of what AND joins, any of what OR joins. Parentheses around the whole are all that occurs. */
function isAllowed(expression: string, allowed: ReadonlySet<string>): boolean {
  const choices = expression.replace(/^\(|\)$/g, '').split(' OR ');
  return choices.some((choice) => choice.split(' AND ').every((licence) => allowed.has(licence)));
}

const { packages } = lockFile.parse(JSON.parse(readFileSync('package-lock.json', 'utf8')));
const refused = Object.entries(packages).filter(
  ([path, { license, dev }]) => path !== '' && !isAllowed(license ?? '', dev ? ALLOWED_IN_DEVELOPMENT : ALLOWED),
);
for (const [path, { license }] of refused) console.error(`${path}: ${license ?? 'no licence is given'}`);
console.log(`${Object.keys(packages).length - 1} packages, ${refused.length} under a licence that is not allowed`);
process.exitCode = refused.length > 0 ? 1 : 0;
