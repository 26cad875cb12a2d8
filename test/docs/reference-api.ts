// Operations of an OpenAPI document, as a table.
import { z } from 'zod';
import { table } from './reference-table.ts';

const operation = z.object({
  summary: z.string().default(''),
  security: z.array(z.unknown()).optional(),
  'x-role': z.string().optional(),
  'x-access': z.string().optional(),
});
const openApi = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) });
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

export function apiSection(document: unknown): string {
  const rows = Object.entries(openApi.parse(document).paths).flatMap(([path, methods]) =>
    METHODS.filter((method) => method in methods).map((method) => {
      const { summary, security, ...told } = operation.parse(methods[method]);
      const access = told['x-role'] ?? told['x-access'] ?? (security?.length === 0 ? 'anybody' : '');
      return [method.toUpperCase(), `\`${path}\``, access, summary];
    }),
  );
  return table(['method', 'path', 'who', 'what it does'], rows);
}
