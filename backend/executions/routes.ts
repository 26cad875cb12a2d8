// Executions' part of the API.
import { createHash } from 'node:crypto';
import type { Context } from 'hono';
import { z } from 'zod';
import { amount } from '../domain/amount.ts';
import { type OrderId, parseOrderId } from '../domain/ids.ts';
import { compare, isPositive, parseDecimal, shown, subtract, ZERO } from '../domain/money.ts';
import { isoTime } from '../domain/time.ts';
import { allowed, fail, json, parse, type Route, readJson, symbolName, userId } from '../http.ts';
import { idempotencyKey, listQuery } from '../orders/schemas.ts';
import type { ExecutionPlan, ExecutionRecord } from '../store/execution-items.ts';
import { type Store, StoreUnavailable } from '../store/store.ts';
import { cancelling } from './decide.ts';

/** Children that an execution may have: more is a mistake in its sizes. */
const CHILDREN_MAX = 1000;
const INTERVAL_MS_MIN = 1000;
const INTERVAL_MS_MAX = 24 * 3_600_000;
const CONFLICTS_MAX = 8;

const common = {
  user_id: userId,
  symbol: symbolName,
  side: z.enum(['BUY', 'SELL'], { error: 'side must be BUY or SELL' }),
  quantity: amount('quantity'),
};
const intervalError = `interval_ms must be from ${INTERVAL_MS_MIN} to ${INTERVAL_MS_MAX}`;

export const executionBody = z
  .discriminatedUnion(
    'kind',
    [
      z.object({
        ...common,
        kind: z.literal('iceberg'),
        price: amount('price'),
        display_quantity: amount('display_quantity'),
      }),
      z.object({
        ...common,
        kind: z.literal('twap'),
        price: amount('price').nullish(),
        slice_quantity: amount('slice_quantity'),
        interval_ms: z.int(intervalError).min(INTERVAL_MS_MIN, intervalError).max(INTERVAL_MS_MAX, intervalError),
      }),
    ],
    { error: 'kind must be iceberg or twap' },
  )
  .transform((body, context) => {
    const { user_id, symbol, side, quantity, price } = body;
    const plan: ExecutionPlan =
      body.kind === 'iceberg'
        ? { kind: 'iceberg', display_quantity: body.display_quantity }
        : { kind: 'twap', slice_quantity: body.slice_quantity, interval_ms: body.interval_ms };
    const size = body.kind === 'iceberg' ? body.display_quantity : body.slice_quantity;
    const most = Number(quantity) / Number(size); // To see whether it is far too many, not to trade by.
    if (most > CHILDREN_MAX) context.addIssue(`it would take more than ${CHILDREN_MAX} orders`);
    else if (compare(size, quantity) > 0) context.addIssue('a part must not be larger than the whole');
    else return { user_id, symbol, side, quantity, price: price ?? null, plan };
    return z.NEVER;
  });
type NewExecution = z.infer<typeof executionBody>;

function newExecution(id: OrderId, wanted: NewExecution, nowMs: number): ExecutionRecord {
  const at = isoTime(nowMs);
  return {
    ...wanted,
    execution_id: id,
    status: 'running',
    reason: null,
    children_count: 0,
    live: [],
    filled_quantity: ZERO,
    refusals: 0,
    not_before: at,
    created_at: at,
    updated_at: at,
    version: 1,
  };
}

function executionView(execution: ExecutionRecord) {
  const { version: _version, not_before, refusals: _refusals, live, plan, ...rest } = execution;
  const left = subtract(parseDecimal(rest.quantity) ?? ZERO, parseDecimal(rest.filled_quantity) ?? ZERO);
  return {
    ...rest,
    quantity: shown(rest.quantity),
    ...plan,
    live_orders: live.map(({ order_id, quantity }) => ({ order_id, quantity })),
    left: isPositive(left) ? left : ZERO,
    next_at: not_before,
  };
}

type Deps = {
  readonly store: Store;
  readonly now: () => number;
  readonly nextOrderId: () => OrderId;
  /** Hears of an execution that is to be worked at. */
  readonly onExecution: (execution: ExecutionRecord) => void;
};

export function executionRoutes(route: Route, { store, now, nextOrderId, onExecution }: Deps): void {
  /** The id that the key stands for: a new one, or that of the request that used it first. */
  async function idFor(wanted: NewExecution, key: string | undefined): Promise<OrderId> {
    const own = nextOrderId();
    if (key === undefined) return own;
    const digest = createHash('sha256').update(JSON.stringify(wanted)).digest('hex');
    const claim = await store.claim({ user_id: wanted.user_id, key, order_id: own, request_digest: digest });
    if (claim.request_digest !== digest) fail('idempotency_conflict', 'Idempotency-Key was used with another request');
    return parseOrderId(claim.order_id) ?? own;
  }

  async function found(context: Context): Promise<ExecutionRecord> {
    const { user_id: user, execution_id: id = '' } = context.req.param();
    const execution = await store.getExecution(parse(userId, user), id);
    return execution ?? fail('execution_not_found', `no execution ${id} of this user`);
  }

  route(
    'POST',
    '/api/trade/execution',
    async function create(context, caller) {
      const wanted = parse(executionBody, await readJson(context));
      allowed(caller.mayActFor(wanted.user_id));
      const key = context.req.header('idempotency-key');
      const id = await idFor(wanted, key === undefined ? undefined : parse(idempotencyKey, key));
      const execution = newExecution(id, wanted, now());
      const isNew = (await store.putExecution(execution)) === 'stored';
      const stored = isNew ? execution : ((await store.getExecution(wanted.user_id, id)) ?? execution);
      onExecution(stored);
      return json(executionView(stored), 201, isNew ? {} : { 'idempotent-replayed': 'true' });
    },
    { summary: 'Place a larger order in parts: an iceberg or a TWAP', body: executionBody },
  );

  route(
    'GET',
    '/api/trade/execution/:user_id/:execution_id',
    async function get(context) {
      return json(executionView(await found(context)));
    },
    { summary: 'How far an execution has come' },
  );

  route(
    'GET',
    '/api/trade/executions/:user_id',
    async function list(context) {
      const user = parse(userId, context.req.param('user_id'));
      const { limit } = parse(listQuery, { limit: context.req.query('limit') });
      const after = context.req.query('after');
      const executions = await store.listExecutions(user, { limit, ...(after ? { after } : {}) });
      const last = executions.length === limit ? executions.at(-1) : undefined;
      return json({ executions: executions.map(executionView), next_after: last?.execution_id ?? null });
    },
    { summary: 'Executions, newest first: ?limit= and ?after=' },
  );

  route(
    'DELETE',
    '/api/trade/execution/:user_id/:execution_id',
    async function cancel(context) {
      for (let conflict = 0; conflict < CONFLICTS_MAX; conflict++) {
        const execution = await found(context);
        const next = cancelling(execution, now());
        if (next && (await store.putExecution(next)) !== 'stored') continue;
        onExecution(next ?? execution);
        return json(executionView(next ?? execution), 202);
      }
      throw new StoreUnavailable(`the execution changed ${CONFLICTS_MAX} times while it was being cancelled`);
    },
    { summary: 'End an execution and cancel what rests of it' },
  );
}
