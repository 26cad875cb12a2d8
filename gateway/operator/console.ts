// Serves the console: a few files that are read once and kept compressed. They say nothing of the gateway, so they need no
// token; what the console shows comes from the API, which does.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { Hono } from 'hono';

/** Where gateway/console/build.ts puts it. */
export const CONSOLE_DIR = join(import.meta.dirname, '..', 'console', 'dist');

/** The pages that the console knows; any of them is its one document, which reads the rest of the address itself. */
const PAGES = ['/', '/routes/*', '/rules', '/jobs', '/load-runs', '/load-runs/*', '/audit', '/instances'];

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

interface ConsoleFile {
  readonly type: string;
  readonly plain: Buffer<ArrayBuffer>;
  readonly gzipped: Buffer<ArrayBuffer>;
  readonly etag: string;
}

/** The console's files by their path below `/`. Empty when it has not been built. */
export type ConsoleFiles = ReadonlyMap<string, ConsoleFile>;

/** Reads the console's files. Rejects only when they are there and cannot be read. */
export async function loadConsole(dir: string): Promise<ConsoleFiles> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const files = entries.filter((entry) => entry.isFile() && TYPES[extname(entry.name)]);
  return new Map(
    await Promise.all(
      files.map(async (entry) => {
        const file = join(entry.parentPath, entry.name);
        const path = `/${relative(dir, file).split(sep).join('/')}`;
        return [path, await fileOf(await readFile(file), TYPES[extname(file)] ?? '')] as const;
      }),
    ),
  );
}

async function fileOf(plain: Buffer<ArrayBuffer>, type: string): Promise<ConsoleFile> {
  const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`;
  return { type, plain, gzipped: await promisify(gzip)(plain, { level: 9 }), etag };
}

/** The console's pages and what they consist of. */
export function consolePages(files: ConsoleFiles): Hono {
  const app = new Hono();
  for (const page of PAGES) app.get(page, (c) => answer(c.req.raw, files.get('/index.html'), 'no-cache'));
  // Their names have a digest of their content, so that what a browser has never gets old.
  app.get('/assets/*', (c) => answer(c.req.raw, files.get(c.req.path), 'public, max-age=31536000, immutable'));
  return app;
}

function answer(request: Request, file: ConsoleFile | undefined, caching: string): Response {
  if (!file) return notBuilt(request);
  const headers = new Headers({ etag: file.etag, 'cache-control': caching, vary: 'accept-encoding' });
  if (request.headers.get('if-none-match') === file.etag) return new Response(null, { status: 304, headers });
  headers.set('content-type', file.type);
  const takesGzip = /\bgzip\b/.test(request.headers.get('accept-encoding') ?? '');
  if (!takesGzip) return new Response(file.plain, { headers });
  headers.set('content-encoding', 'gzip');
  return new Response(file.gzipped, { headers });
}

function notBuilt(request: Request): Response {
  const isPage = !new URL(request.url).pathname.startsWith('/assets/');
  const text = isPage
    ? 'The console has not been built: run "npm run prepare" where the gateway is installed. The API and the CLI work.\n'
    : 'There is no such file; reload the page.\n';
  return new Response(text, { status: isPage ? 503 : 404, headers: { 'content-type': 'text/plain; charset=utf-8' } });
}
