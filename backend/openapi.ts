// The API's own description: /openapi.json of the routes as they are registered, and /docs, a page that shows it.
import { z } from 'zod';
import { json, type Route, type RouteListed } from './http.ts';

const PROBLEM = {
  type: 'object',
  description: 'RFC 9457; a denial by risk also has "reason" and "context"',
  required: ['type', 'title', 'status', 'detail', 'code'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string' },
  },
} as const;

/** `/a/:b` as `/a/{b}`, and the names in it. */
function templateOf(path: string) {
  const names = [...path.matchAll(/:([a-z_]+)/g)].map(([, name = '']) => name);
  return { path: path.replaceAll(/:([a-z_]+)/g, '{$1}'), names };
}

function operationOf({ summary, body, access, path }: RouteListed) {
  const schema = body && z.toJSONSchema(body, { io: 'input', unrepresentable: 'any' });
  return {
    ...(summary === undefined ? {} : { summary }),
    ...(access === 'public' ? { security: [] } : { 'x-access': access }),
    parameters: templateOf(path).names.map((name) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    })),
    ...(schema ? { requestBody: { required: true, content: { 'application/json': { schema } } } } : {}),
    responses: {
      '2XX': { description: 'done' },
      default: {
        description: 'not done, and why',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

export function openApiOf(routes: readonly RouteListed[]) {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const { path } = templateOf(route.path);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Banyan: the new backend', version: '1', description: 'Amounts are decimal strings.' },
    security: [{ bearer: [] }],
    paths,
    components: { schemas: { Problem: PROBLEM }, securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
  };
}

/** Shows /openapi.json; what comes from there is only ever put in as text. */
const DOCS_PAGE = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Banyan: the new backend</title>
<style>body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}code,pre{font:14px ui-monospace,monospace}
pre{background:#8881;padding:.5rem;overflow:auto}summary{cursor:pointer;padding:.3rem 0}b{display:inline-block;width:5rem}
:root{color-scheme:light dark}</style>
<h1>The new backend</h1><p><a href="/openapi.json">openapi.json</a></p><main></main>
<script>
const text = (tag, content) => Object.assign(document.createElement(tag), { textContent: content });
fetch('/openapi.json').then((answer) => answer.json()).then(({ paths }) => {
  for (const [path, methods] of Object.entries(paths)) for (const [method, operation] of Object.entries(methods)) {
    const details = document.createElement('details');
    const summary = document.createElement('summary');
    summary.append(text('b', method.toUpperCase()), text('code', path), text('span', ' ' + (operation.summary ?? '')));
    details.append(summary, text('pre', JSON.stringify(operation, null, 2)));
    document.querySelector('main').append(details);
  }
});
</script></html>`;

export function openApiRoutes(route: Route, routes: readonly RouteListed[]): void {
  let document: unknown; // Made when it is first asked for: a dry run registers routes too, and is never asked.
  route(
    'GET',
    '/openapi.json',
    () => {
      document ??= openApiOf(routes);
      return json(document);
    },
    { access: 'public', summary: 'This description' },
  );
  route(
    'GET',
    '/docs',
    () =>
      new Response(DOCS_PAGE, {
        headers: {
          'content-type': 'text/html; charset=utf-8',
          'content-security-policy':
            "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'",
        },
      }),
    { access: 'public', summary: 'This description as a page' },
  );
}
