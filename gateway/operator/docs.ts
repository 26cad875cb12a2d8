// The API's documentation: the OpenAPI document, and a page of our own that shows it. Nothing comes from elsewhere.
import { readFile } from 'node:fs/promises';
import { Hono } from 'hono';
import type { OperatorEnv } from './context.ts';
import { openApiDocument } from './openapi.ts';

const page = (name: string) => readFile(new URL(`./docs/${name}`, import.meta.url), 'utf8');

export function docsApi(): Hono<OperatorEnv> {
  let document: string | undefined; // Made when it is first asked for: most processes are never asked.
  return new Hono<OperatorEnv>()
    .get('/openapi.json', (c) => {
      document ??= JSON.stringify(openApiDocument());
      return c.body(document, 200, { 'content-type': 'application/json' });
    })
    .get('/docs', async (c) => c.html(await page('docs.html')))
    .get('/docs/docs.js', async (c) =>
      c.body(await page('docs.js'), 200, { 'content-type': 'text/javascript; charset=utf-8' }),
    )
    .get('/docs/docs.css', async (c) =>
      c.body(await page('docs.css'), 200, { 'content-type': 'text/css; charset=utf-8' }),
    );
}
