// Users' keys of the exchange over the API: stored, removed, and told of without ever showing them.
import { z } from 'zod';
import { fail, json, parse, type Route, readJson, userId } from '../http.ts';
import type { Store } from '../store/store.ts';
import type { Credentials, KeyFacts } from './credentials.ts';
import { MEXC } from './exchanges.ts';

const keyText = (name: string) =>
  z
    .string({ error: `${name} is required` })
    .regex(/^[\x21-\x7e]{1,256}$/, `${name} must be 1 to 256 visible characters`);
const keysBody = z.object({ api_key: keyText('api_key'), secret_key: keyText('secret_key') });

const view = ({ hint, createdAt, updatedAt }: KeyFacts) => ({
  exchange: MEXC,
  hint,
  created_at: createdAt,
  updated_at: updatedAt,
});

type Deps = { readonly store: Pick<Store, 'getAccount'>; readonly credentials: Credentials | undefined };

/** No routes where no master key is set: nothing could be stored safely. */
export function keyRoutes(route: Route, { store, credentials }: Deps): void {
  if (!credentials) return;
  const path = '/api/keys/:user_id';

  route(
    'PUT',
    path,
    async function put(context, { identity }) {
      const owner = { userId: parse(userId, context.req.param('user_id')), exchange: MEXC };
      const { api_key: apiKey, secret_key: secretKey } = parse(keysBody, await readJson(context));
      await credentials.put(owner, { apiKey, secretKey }, identity?.subject ?? 'api');
      const facts = await credentials.describe(owner);
      return facts ? json(view(facts)) : fail('keys_not_found', 'the keys were removed meanwhile');
    },
    { summary: 'Trade with the user’s own keys from now on', body: keysBody },
  );
  route(
    'GET',
    path,
    async function get(context) {
      const user = parse(userId, context.req.param('user_id'));
      const facts = await credentials.describe({ userId: user, exchange: MEXC });
      return facts ? json(view(facts)) : fail('keys_not_found', `user ${user} has no keys here`);
    },
    { summary: 'Whether the user has keys, and their last characters; never the keys' },
  );
  route(
    'DELETE',
    path,
    async function remove(context, { identity }) {
      const user = parse(userId, context.req.param('user_id'));
      // They are what open orders are asked about and cancelled with.
      const open = Object.keys((await store.getAccount(user))?.reservations ?? {}).length;
      if (open > 0) fail('keys_in_use', `the user has ${open} open orders; cancel them first`);
      const removed = await credentials.remove({ userId: user, exchange: MEXC }, identity?.subject ?? 'api');
      if (!removed) fail('keys_not_found', `user ${user} has no keys here`);
      return new Response(null, { status: 204 });
    },
    { summary: 'Forget the user’s keys; not while the user has open orders' },
  );
}
