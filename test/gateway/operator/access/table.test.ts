// A route that nobody has given a role to is for nobody.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Hono } from 'hono';
import { authorise, checkOperations } from '../../../../gateway/operator/access/authorise.ts';
import { type OperatorEnv, Refusal } from '../../../../gateway/operator/context.ts';
import { OPERATIONS } from '../../../../gateway/operator/contract/operations.ts';

function appWith(role: 'admin' | undefined): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>();
  app.onError((error) => new Response(error.message, { status: error instanceof Refusal ? error.status : 500 }));
  app.use(async function known(c, next) {
    if (role) c.set('caller', { name: 'somebody', role });
    await next();
  });
  app.use(authorise);
  app.get('/api/forgotten', (c) => c.text('secret'));
  return app;
}

describe('a route that the table of operations does not have', () => {
  it('is refused to an admin, and to nobody known', async () => {
    assert.equal((await appWith('admin').request('/api/forgotten')).status, 403);
    assert.equal((await appWith(undefined).request('/api/forgotten')).status, 401);
  });

  it('is one by its method too', async () => {
    const app = appWith('admin');
    app.patch('/api/status', (c) => c.text('secret'));
    assert.equal((await app.request('/api/status', { method: 'PATCH' })).status, 403);
  });

  it('keeps the gateway from starting, and so does an operation that has no route', () => {
    const app = new Hono<OperatorEnv>();
    app.use(authorise);
    for (const { method, path } of OPERATIONS) app.on(method, path, (c) => c.text('here'));
    checkOperations(app);
    assert.throws(() => checkOperations({ routes: app.routes.slice(0, -1) }), /no route .* is GET \/docs\/docs\.css/);
    app.get('/api/forgotten', (c) => c.text('secret'));
    assert.throws(() => checkOperations(app), /lacks GET \/api\/forgotten/);
  });
});
