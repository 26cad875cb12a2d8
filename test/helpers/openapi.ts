// Whether what the operator's API answers is what its OpenAPI document says, by a validator that knows nothing of ours.
import assert from 'node:assert/strict';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { OPERATIONS } from '../../gateway/operator/contract/operations.ts';
import { documentPath, openApiDocument } from '../../gateway/operator/openapi.ts';

interface Described {
  readonly headers?: Readonly<Record<string, { readonly required?: boolean }>>;
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
}
type Paths = Readonly<Record<string, Readonly<Record<string, { readonly responses: Record<string, Described> }>>>>;

export interface AnswerToCheck {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

const document = openApiDocument() as { readonly paths: Paths; readonly components: { readonly schemas: object } };
const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true, validateFormats: false });
ajv.addVocabulary(['components']);
ajv.addSchema({ $id: 'document', components: document.components }, 'document');
const validators = new Map<string, ValidateFunction>(); // One per named schema.

const operations = OPERATIONS.map(({ method, path }) => {
  const pattern = new RegExp(`^${path.replace(/:\w+/g, '[^/]+')}$`);
  return { method, path: documentPath(path), pattern, isPlain: !path.includes(':') };
}).sort((a, b) => Number(b.isPlain) - Number(a.isPlain));

/** Fails when the answer of a described operation is not one of those described. */
export function assertDescribed({ method, path, status, headers, body }: AnswerToCheck): void {
  const label = `${method} ${path} -> ${status}`;
  const [target = ''] = path.split('?');
  const operation = operations.find((each) => each.method === method && each.pattern.test(target));
  if (!operation) {
    assert.equal(Math.floor(status / 100), 4, `${label}: the document has no such operation`);
    return;
  }
  const described = document.paths[operation.path]?.[method.toLowerCase()]?.responses[status];
  assert.ok(described, `${label}: the document has no such answer: ${JSON.stringify(body)}`);
  for (const [name, { required }] of Object.entries(described.headers ?? {})) {
    if (required) assert.ok(headers.has(name), `${label}: ${name} is missing`);
  }
  const [mediaType = ''] = (headers.get('content-type') ?? '').split(';');
  const schema = described.content?.[mediaType]?.schema;
  assert.equal(schema === undefined, !described.content && body === '', `${label}: the document has no ${mediaType}`);
  if (schema === undefined || !/json/.test(mediaType)) return;
  const validate = validatorOf(schema);
  assert.ok(validate(body), `${label}: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(body, null, 1)}`);
}

function validatorOf(schema: object): ValidateFunction {
  const ref = '$ref' in schema ? String(schema.$ref) : undefined;
  if (ref === undefined) return ajv.compile(schema);
  const known = validators.get(ref);
  if (known) return known;
  const compiled = ajv.compile({ $ref: `document${ref}` });
  validators.set(ref, compiled);
  return compiled;
}
