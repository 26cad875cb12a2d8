import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gatewaySchema } from '../../../config/gateway-schema.ts';
import { compileCors } from '../../../gateway/http/cors.ts';

const compile = (cors: object) => compileCors(gatewaySchema.shape.cors.parse(cors));
const app = compile({ origins: ['https://app.example'], credentials: true, expose: ['x-total'] });
const PREFLIGHT = ['Origin', 'https://app.example', 'Access-Control-Request-Method', 'PUT'];

describe('a preflight request', () => {
  it('of an allowed origin is answered with what it may do', () => {
    assert.deepEqual(app.preflight('OPTIONS', [...PREFLIGHT, 'access-control-request-headers', 'x-a, x-b']), [
      ...[
        'access-control-allow-origin',
        'https://app.example',
        'vary',
        'Origin',
        'access-control-allow-credentials',
        'true',
      ],
      ...[
        'access-control-allow-methods',
        'GET, HEAD, POST, PUT, PATCH, DELETE',
        'access-control-allow-headers',
        'x-a, x-b',
      ],
      ...['access-control-max-age', '600', 'content-length', '0'],
    ]);
  });

  it('of another origin, or a plain OPTIONS request, is not answered here', () => {
    assert.equal(
      app.preflight('OPTIONS', ['Origin', 'https://evil.example', 'Access-Control-Request-Method', 'PUT']),
      undefined,
    );
    assert.equal(app.preflight('OPTIONS', ['Origin', 'https://app.example']), undefined);
    assert.equal(app.preflight('GET', PREFLIGHT), undefined);
    assert.equal(app.preflight('OPTIONS', ['Access-Control-Request-Method', 'PUT']), undefined);
  });

  it('names the configured headers when there are some', () => {
    const fields = compile({ origins: ['*'], headers: ['x-user-id'] }).preflight('OPTIONS', PREFLIGHT) ?? [];
    assert.equal(fields[fields.indexOf('access-control-allow-headers') + 1], 'x-user-id');
  });
});

describe('an answer', () => {
  it('to an allowed origin names it, and keeps caches apart', () => {
    assert.deepEqual(app.added(['origin', 'https://app.example']), [
      ...['access-control-allow-origin', 'https://app.example', 'vary', 'Origin'],
      ...['access-control-allow-credentials', 'true', 'access-control-expose-headers', 'x-total'],
    ]);
    assert.deepEqual(app.added(['origin', 'https://app.example.evil']), []);
    assert.deepEqual(app.added([]), []);
  });

  it("loses the backend's own CORS fields only where the gateway answers for it", () => {
    assert.equal(app.isReplaced?.('access-control-allow-origin'), true);
    assert.equal(app.isReplaced?.('vary'), false);
    const off = compileCors(undefined);
    assert.equal(off.isReplaced, undefined);
    assert.equal(off.preflight('OPTIONS', PREFLIGHT), undefined);
    assert.deepEqual(off.added(PREFLIGHT), []);
  });
});
