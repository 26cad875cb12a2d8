// GET /api/token/:mint/safety.
import { fail, type Route } from '../../http.ts';
import { answerFrom, textResponse } from '../accounts/routes.ts';
import { addressField } from '../address.ts';
import { createTextCache, type SharedCache } from '../cache.ts';
import { lookAt, type SafetyDeps } from './look.ts';
import { judge } from './score.ts';

/** As published for token_info. */
const TOKEN_INFO_MS = 60_000;

const mintField = addressField('mint');

export function safetyRoutes(route: Route, deps: SafetyDeps & { shared: SharedCache; now: () => number }): void {
  const { shared, now } = deps;
  const judged = createTextCache({
    shared,
    name: 'token_info',
    ttlMs: TOKEN_INFO_MS,
    now,
    load: async (mint) => ({ mint, ...judge(await lookAt(deps, mint)), checked_at: now() }),
  });
  route(
    'GET',
    '/api/token/:mint/safety',
    function safety(context) {
      const given = context.req.param('mint') ?? '';
      const fresh = judged.fresh(given);
      if (fresh) return textResponse(fresh);
      const mint = mintField.safeParse(given);
      return mint.success ? answerFrom(judged, mint.data) : fail('invalid_request', 'mint is no address of Solana');
    },
    { summary: 'How safe a token is, part by part' },
  );
}
