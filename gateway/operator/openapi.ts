// The OpenAPI 3.1 document of the operator's API, made from the table of operations and the schemas that it names.
import { z } from 'zod';
import { PROBLEM_TYPE } from '../problem.ts';
import { EVENTS } from './contract/events.ts';
import { schemas } from './contract/named.ts';
import { OPERATIONS, type Operation } from './contract/operations.ts';
import { problem } from './contract/problem.ts';

type Json = { readonly [key: string]: unknown };

const REFUSALS: Readonly<Record<number, string>> = {
  400: 'The request is not one that can be read.',
  401: 'Nobody has been shown to call, or somebody wrong.',
  403: 'The caller may not.',
  404: 'There is no such thing.',
  409: 'It cannot be done as things stand.',
  412: 'It has changed since If-Match was read.',
  413: 'The body is too large.',
  415: 'The body is not JSON.',
  421: 'The port does not answer by this name.',
  422: 'A gate is not met; or the Idempotency-Key was used for another request.',
  428: 'If-Match is missing.',
  429: 'Too many failed logins, or too much at once; Retry-After says how long to wait.',
  500: 'Something failed.',
  502: 'Whoever had to be asked did not answer as it should.',
  503: 'There is no room, or the gateway is stopping.',
};

/** Builds the document. It takes a few milliseconds, so whoever asks often keeps it. */
export function openApiDocument(): Json {
  const bodies = new Set(OPERATIONS.flatMap(({ body }) => (body ? [nameOf(body)] : [])));
  return {
    openapi: '3.1.1',
    info: {
      title: "Banyan's operator API",
      version: '1',
      description:
        'Errors are problem details. A change based on what was read needs If-Match with its ETag, or * to overwrite what ' +
        'is there; a rollback does not. A change with an Idempotency-Key is done once, however often it is sent.',
    },
    security: [{ bearer: [] }, { session: [] }],
    paths: pathsOf(OPERATIONS),
    components: {
      schemas: Object.fromEntries(
        Object.entries(namedSchemas('output')).map(([name, schema]) => [
          name,
          bodies.has(name) ? namedSchemas('input')[name] : schema,
        ]),
      ),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A token of operator.tokens.' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'banyan-session',
          description:
            'A session of the console: __Host-banyan-session where browsers come by https. Changes need a same-origin request with ' +
            'content-type: application/json, or x-banyan-client: console.',
        },
      },
    },
  };
}

function namedSchemas(io: 'input' | 'output'): Json {
  const { schemas: made } = z.toJSONSchema(schemas, {
    io,
    uri: refOf,
    override({ jsonSchema }) {
      // Of a whole answer that nobody writes, nothing needs to be said to be read-only.
      delete jsonSchema.readOnly;
      delete jsonSchema.$id;
      delete jsonSchema.$schema;
    },
  });
  return Object.fromEntries(
    Object.entries(made).map(([name, { $id: _id, $schema: _schema, ...schema }]) => [name, schema]),
  );
}

const refOf = (name: string) => `#/components/schemas/${name}`;

function nameOf(schema: z.ZodType): string {
  const name = schemas.get(schema)?.id;
  if (name === undefined) throw new Error('an operation has a schema without a name');
  return name;
}

function ref(schema: z.ZodType): Json {
  return { $ref: refOf(nameOf(schema)) };
}

function pathsOf(operations: readonly Operation[]): Json {
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    const path = documentPath(operation.path);
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(operation) };
  }
  return paths;
}

/** `/api/routes/:id` as OpenAPI writes it. */
export function documentPath(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}');
}

function describe(operation: Operation): Json {
  const { id, path, access, summary, body, reasonInQuery } = operation;
  const isReasonOnly = reasonInQuery === true;
  return {
    operationId: id,
    tags: [path.split('/')[2] ?? 'gateway'],
    summary,
    ...(access === 'anyone' ? { security: [] } : { 'x-role': access, description: `Needs the role ${access}.` }),
    parameters: parametersOf(operation),
    ...(body
      ? { requestBody: { required: !isReasonOnly, content: { 'application/json': { schema: ref(body) } } } }
      : {}),
    responses: responsesOf(operation),
  };
}

function parametersOf({ method, path, access, query, ifMatch, reasonInQuery }: Operation): Json[] {
  const header = (name: string, required: boolean, description: string): Json => {
    return { name, in: 'header', required, description, schema: { type: 'string' } };
  };
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => {
    return { name, in: 'path', required: true, schema: { type: 'string' } };
  });
  const inQuery = Object.entries(query ? propertiesOf(query) : {}).map(([name, schema]) => {
    return { name, in: 'query', required: false, schema };
  });
  const reason = { name: 'reason', in: 'query', required: false, schema: { type: 'string' } };
  const isWrite = method !== 'GET';
  return [
    ...inPath,
    ...inQuery,
    ...(reasonInQuery ? [{ ...reason, description: 'In the place of a body.' }] : []),
    ...(ifMatch ? [header('If-Match', true, 'The ETag that the change is based on, or *.')] : []),
    ...(isWrite && access !== 'anyone'
      ? [header('Idempotency-Key', false, 'Of the caller: the change is done once for each key.')]
      : []),
  ];
}

function propertiesOf(query: z.ZodObject): Json {
  return z.toJSONSchema(query, { io: 'input' }).properties ?? {};
}

function responsesOf(operation: Operation): Json {
  const { answer, etag } = operation;
  const headers = {
    'x-request-id': { schema: { type: 'string' } },
    ...(etag ? { ETag: { required: true, schema: { type: 'string' } } } : {}),
    ...(operation.method === 'GET' ? {} : { 'Idempotency-Replayed': { schema: { type: 'string' } } }),
  };
  const content =
    'schema' in answer
      ? { 'application/json': { schema: ref(answer.schema) } }
      : answer.mediaType === undefined
        ? undefined
        : { [answer.mediaType]: { schema: { type: 'string', ...eventsNote(answer.mediaType) } } };
  const good = { description: 'Done.', headers, ...(content ? { content } : {}) };
  const other = 'or' in answer && answer.or !== undefined ? { [answer.or]: { ...good, description: 'Not so.' } } : {};
  const refused = refusalsOf(operation).map((status) => [status, refusal(status)]);
  return { [answer.status]: good, ...other, ...Object.fromEntries(refused) };
}

function eventsNote(mediaType: string): Json {
  if (mediaType !== 'text/event-stream') return {};
  const names = Object.entries(EVENTS).map(([name, schema]) => `${name}: ${nameOf(schema)}`);
  return { description: `The schema of each event's data: ${names.join(', ')}.` };
}

function refusal(status: number): Json {
  const retry = status === 429 ? { headers: { 'Retry-After': { schema: { type: 'string' } } } } : {};
  return { description: REFUSALS[status], ...retry, content: { [PROBLEM_TYPE]: { schema: ref(problem) } } };
}

/** Every way in which it can refuse. */
function refusalsOf({ path, method, access, query, body, ifMatch, refusals = [] }: Operation): number[] {
  const isApi = path.startsWith('/api/');
  const all = [
    ...[421, 500],
    ...(isApi ? [401, 429] : []),
    ...(access === 'anyone' ? [] : [403]),
    ...(query || body || ifMatch ? [400] : []),
    ...(body ? [413, 415] : []),
    ...(isApi && method !== 'GET' ? [400, 403, 409, 413, 415, 422] : []),
    ...(ifMatch ? [412, 428] : []),
    ...refusals,
  ];
  return [...new Set(all)].sort((a, b) => a - b);
}
