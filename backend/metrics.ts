// Every metric of the backend: name, labels, buckets.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Logger } from '../config/log.ts';
import { VERSION } from '../config/version.ts';

/** Seconds; the budgets are 3, 5 and 15 ms. */
const SECONDS = [0.001, 0.003, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

function showBuild(registers: Registry[]): void {
  const info = new Gauge({
    name: 'banyan_build_info',
    help: 'Always 1: which build this is, and the Node that runs it',
    labelNames: ['version', 'node'],
    registers,
  });
  info.set({ version: VERSION, node: process.version }, 1);
}

function tracingMetrics(registers: Registry[]) {
  return {
    spansExported: new Counter({
      name: 'spans_exported_total',
      help: 'Spans that the OpenTelemetry collector has taken',
      registers,
    }),
    spansDropped: new Counter({
      name: 'spans_dropped_total',
      help: 'Spans that were never exported, by reason: queue, refused or stopped (see config/otlp/exporter.ts)',
      labelNames: ['reason'],
      registers,
    }),
    exportFailures: new Counter({
      name: 'span_export_failures_total',
      help: 'Exports of spans that failed or were refused; those that failed are tried again',
      registers,
    }),
  };
}

/** Of the system before, whose dashboards go by these names. */
function tradingMetrics(registers: Registry[]) {
  return {
    orderSeconds: new Histogram({
      name: 'order_latency_seconds',
      help: 'Time from an order that risk is asked about to what came of it',
      buckets: SECONDS,
      registers,
    }),
    orderOwnSeconds: new Histogram({
      name: 'order_own_seconds',
      help: 'As order_latency_seconds, less the time that the exchange took',
      buckets: SECONDS,
      registers,
    }),
    activeOrders: new Gauge({
      name: 'active_orders',
      help: 'Orders in the table that are not settled, as of the last count',
      registers,
    }),
    activePositions: new Gauge({
      name: 'active_positions',
      help: 'Positions in the table that are not zero, as of the last count',
      registers,
    }),
  };
}

function riskMetrics(registers: Registry[]) {
  return {
    riskDecisions: new Counter({
      name: 'risk_decisions_total',
      help: 'Orders that risk let through or denied, by reason',
      labelNames: ['decision', 'reason'],
      registers,
    }),
    executionsHeldUp: new Counter({
      name: 'executions_held_up_total',
      help: 'Orders of executions that risk denied, by reason; they are tried again',
      labelNames: ['reason'],
      registers,
    }),
    reservationsRepaired: new Counter({
      name: 'risk_reservations_repaired_total',
      help: 'Reservations dropped that a crash had left behind',
      registers,
    }),
  };
}

function marketMetrics(registers: Registry[]) {
  return {
    leasesHeld: new Gauge({
      name: 'leases_held',
      help: '1 on the instance that does what one of all should do: market (telling of markets), pulse (following the chain)',
      labelNames: ['name'],
      registers,
    }),
    marketBooks: new Gauge({ name: 'market_books', help: 'Symbols followed on the exchange’s streams', registers }),
    marketResyncs: new Counter({
      name: 'market_resyncs_total',
      help: 'Books that started over: after a gap, a new connection, a snapshot that did not join on',
      labelNames: ['reason'],
      registers,
    }),
    marketPublished: new Counter({
      name: 'market_published_total',
      help: 'States of symbols handed to the bus',
      registers,
    }),
  };
}

/** What becomes of orders, and what is not known of them. */
function orderMetrics(registers: Registry[]) {
  return {
    orderChanges: new Counter({
      name: 'order_changes_total',
      help: 'Orders by the status they came to',
      labelNames: ['status'],
      registers,
    }),
    outcomesNotStored: new Counter({
      name: 'order_outcomes_not_stored_total',
      help: 'Answers of the exchange that could not be stored; reconciling finds them again',
      registers,
    }),
    reconciled: new Counter({
      name: 'orders_reconciled_total',
      help: 'Orders asked about again, by result',
      labelNames: ['result'],
      registers,
    }),
    firstLookOrders: new Gauge({
      name: 'orders_first_look',
      help: 'Orders that were unsure at the start',
      registers,
    }),
    firstLookSeconds: new Gauge({
      name: 'orders_first_look_seconds',
      help: 'What the start took to list the orders that were unsure, and to ask about them',
      labelNames: ['step'],
      registers,
    }),
    followDropped: new Counter({
      name: 'order_follow_dropped_total',
      help: 'Orders not asked about at once since too many were',
      registers,
    }),
  };
}

/** What the exchange wants and tells by itself. */
function toldMetrics(registers: Registry[]) {
  return {
    exchangePauses: new Counter({
      name: 'exchange_pauses_total',
      help: 'Times the exchange told us to be silent: too many requests, or a ban',
      registers,
    }),
    exchangePausedUntil: new Gauge({
      name: 'exchange_paused_until_seconds',
      help: 'Unix time until which nothing is sent to the exchange; 0 when it never asked for silence',
      registers,
    }),
    pushedEvents: new Counter({
      name: 'exchange_user_events_total',
      help: 'Events of the exchange’s private stream, by kind; strays are of orders that this instance does not know',
      labelNames: ['kind'],
      registers,
    }),
    pushedUp: new Gauge({
      name: 'exchange_user_stream_up',
      help: '1 while the private stream is heard, else 0',
      registers,
    }),
    accountStreams: new Gauge({
      name: 'exchange_account_streams',
      help: 'Private streams of users’ own accounts that are kept',
      registers,
    }),
    accountStreamsRefused: new Counter({
      name: 'exchange_account_streams_refused_total',
      help: 'Times an order’s account was not listened to since too many are; its orders are asked about',
      registers,
    }),
    pushedDropped: new Counter({
      name: 'exchange_user_events_dropped_total',
      help: 'Orders no longer listened for since too many were; reconciling asks about them',
      registers,
    }),
  };
}

function streamMetrics(registers: Registry[]) {
  return {
    streamsOpen: new Gauge({
      name: 'streams_open',
      help: 'WebSockets and event streams that are open',
      labelNames: ['kind'],
      registers,
    }),
    streamsEnded: new Counter({
      name: 'streams_ended_total',
      help: 'Streams that were ended from here, by close code',
      labelNames: ['code'],
      registers,
    }),
    streamGaps: new Counter({
      name: 'stream_gaps_total',
      help: 'Gaps that clients were told of: news not kept any more, or left out for a slow reader',
      labelNames: ['reason'],
      registers,
    }),
  };
}

function solanaMetrics(registers: Registry[]) {
  return {
    ...solanaRpcMetrics(registers),
    geyserUp: new Gauge({ name: 'geyser_up', help: '1 while a Geyser server is heard, else 0', registers }),
    geyserSlot: new Gauge({ name: 'geyser_slot', help: 'The newest slot heard of', registers }),
    geyserLag: new Gauge({
      name: 'geyser_lag_seconds',
      help: 'Time from a Geyser server’s making of an update to its arrival, of the latest',
      registers,
    }),
    geyserEnded: new Counter({
      name: 'geyser_ended_total',
      help: 'Geyser streams that ended or could not be opened, by kind of failure',
      labelNames: ['kind'],
      registers,
    }),
    geyserGaps: new Counter({
      name: 'geyser_gaps_total',
      help: 'Times that slots were missed for good: no endpoint kept them',
      registers,
    }),
    pumpEvents: new Counter({
      name: 'pump_events_total',
      help: 'Events of Pump, by kind; unread ones ended too early, unresolved transactions had unknown addresses',
      labelNames: ['kind'],
      registers,
    }),
    pulseTokens: new Gauge({ name: 'pulse_tokens', help: 'Tokens that the pulse remembers', registers }),
    pulseForgotten: new Counter({
      name: 'pulse_tokens_forgotten_total',
      help: 'Tokens that the pulse forgot for want of room',
      registers,
    }),
  };
}

/** Seconds; an opening is met to the millisecond or not at all. */
const LATE_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1];

function sniperMetrics(registers: Registry[]) {
  return {
    sniperPolls: new Counter({
      name: 'sniper_polls_total',
      help: 'Questions to the exchange’s web site, by what came of them',
      labelNames: ['source', 'result'],
      registers,
    }),
    sniperDrifted: new Counter({
      name: 'sniper_drifted_entries_total',
      help: 'Entries of the web site’s answers that were not of the shape known',
      labelNames: ['source'],
      registers,
    }),
    sniperListingsDropped: new Counter({
      name: 'sniper_listings_dropped_total',
      help: 'Listings not followed since too many were',
      registers,
    }),
    sniperTargets: new Counter({
      name: 'sniper_targets_total',
      help: 'Targets by the status they came to',
      labelNames: ['status', 'mode'],
      registers,
    }),
    sniperAttempts: new Counter({
      name: 'sniper_attempts_total',
      help: 'Attempts at buying at an opening, by what came of them',
      labelNames: ['result'],
      registers,
    }),
    sniperTakeovers: new Counter({
      name: 'sniper_takeovers_total',
      help: 'Targets whose execution this instance took over from another',
      registers,
    }),
    sniperNotTaken: new Counter({
      name: 'sniper_targets_not_taken_total',
      help: 'Times a target was left to other instances since too many were in hand here',
      registers,
    }),
    sniperLateSeconds: new Histogram({
      name: 'sniper_fire_late_seconds',
      help: 'How much later than at the announced opening the first order was handed to the exchange’s client',
      buckets: LATE_SECONDS,
      registers,
    }),
  };
}

/** Dry runs are counted apart from what users do. */
function shadowMetrics(registers: Registry[]) {
  return {
    shadowRequests: new Counter({
      name: 'shadow_requests_total',
      help: 'Requests that came as dry runs, by what verifying said of them',
      labelNames: ['result'],
      registers,
    }),
    shadowRequestSeconds: new Histogram({
      name: 'shadow_request_seconds',
      help: 'As api_request_seconds, of dry runs',
      labelNames: ['route', 'status'],
      buckets: SECONDS,
      registers,
    }),
    shadowErrors: new Counter({
      name: 'shadow_errors_total',
      help: 'As api_errors_total, of dry runs',
      labelNames: ['code'],
      registers,
    }),
    shadowNoncesEvicted: new Counter({
      name: 'shadow_nonces_evicted_total',
      help: 'Nonces of dry runs forgotten before their time, for want of room',
      registers,
    }),
  };
}

/** An endpoint of Solana's RPC as it does now. */
type EndpointSeen = { readonly endpoint: string; readonly score: number; readonly lag_slots: number };

function solanaRpcMetrics(registers: Registry[]) {
  let seen: () => readonly EndpointSeen[] = () => [];
  const endpointGauge = (name: string, help: string, read: (endpoint: EndpointSeen) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['endpoint'],
      registers,
      collect() {
        for (const each of seen()) this.set({ endpoint: each.endpoint }, read(each));
      },
    });
  endpointGauge('solana_rpc_score', 'How well an RPC endpoint does: 1 is best', ({ score }) => score);
  endpointGauge(
    'solana_rpc_lag_slots',
    'Slots that an RPC endpoint is behind the newest',
    ({ lag_slots }) => lag_slots,
  );
  return {
    /** From now on scrapes tell of these endpoints. */
    watchSolana(endpoints: () => readonly EndpointSeen[]) {
      seen = endpoints;
    },
    solanaRpcSeconds: new Histogram({
      name: 'solana_rpc_seconds',
      help: 'Requests to RPC endpoints by what came of them; ours: no room in our limit, or another was quicker',
      labelNames: ['endpoint', 'result'],
      buckets: SECONDS,
      registers,
    }),
    relaySeconds: new Histogram({
      name: 'solana_relay_seconds',
      help: 'Transactions handed over, by whom to and what came of it; direct: an RPC endpoint',
      labelNames: ['relay', 'result'],
      buckets: SECONDS,
      registers,
    }),
    submissionsDecided: new Counter({
      name: 'solana_submissions_total',
      help: 'Submissions by what became of them on the chain',
      labelNames: ['status'],
      registers,
    }),
    submissionsNotFollowed: new Counter({
      name: 'solana_submissions_not_followed_total',
      help: 'Submissions not followed at once since too many are; they are found in the table',
      registers,
    }),
    solanaHedges: new Counter({
      name: 'solana_rpc_hedges_total',
      help: 'Reads that a second endpoint was asked for since the first was slow',
      registers,
    }),
    solanaFallbacks: new Counter({
      name: 'solana_quote_fallbacks_total',
      help: 'Quotes asked of the second exchange since the first did not answer',
      registers,
    }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;

/** Counts and logs a failure off the path of a request. */
export const raisedTo = (metrics: Pick<Metrics, 'raised'>, log: Logger) => (operation: string, error: unknown) => {
  metrics.raised.inc({ operation });
  log.warn({ err: error }, operation);
};

/** A registry of its own, so that two backends in one process (tests) do not share counts. */
export function createMetrics(options: { processMetrics: boolean } = { processMetrics: false }) {
  const registry = new Registry();
  if (options.processMetrics) collectDefaultMetrics({ register: registry });
  const registers = [registry];
  showBuild(registers);
  return {
    registry,
    requestSeconds: new Histogram({
      name: 'api_request_seconds',
      help: 'Time from a matched request to its answer',
      labelNames: ['route', 'status'],
      buckets: SECONDS,
      registers,
    }),
    requests: new Counter({
      name: 'api_requests_total',
      help: 'Answers, by route and status',
      labelNames: ['route', 'status'],
      registers,
    }),
    ...tradingMetrics(registers),
    errors: new Counter({
      name: 'api_errors_total',
      help: 'Answers that are problems, by code',
      labelNames: ['code'],
      registers,
    }),
    exchangeSeconds: new Histogram({
      name: 'exchange_call_seconds',
      help: 'Calls to the exchange by what came of them',
      labelNames: ['operation', 'result'],
      buckets: SECONDS,
      registers,
    }),
    ...orderMetrics(registers),
    keyUsesLost: new Counter({
      name: 'key_uses_lost_total',
      help: 'Uses of users’ keys that could not be kept for the audit trail',
      registers,
    }),
    ...toldMetrics(registers),
    storeRetries: new Counter({
      name: 'store_retries_total',
      help: 'Attempts at the store made again',
      labelNames: ['operation'],
      registers,
    }),
    busDropped: new Counter({ name: 'bus_dropped_total', help: 'Messages that were not published', registers }),
    ...riskMetrics(registers),
    ...marketMetrics(registers),
    ...streamMetrics(registers),
    ...solanaMetrics(registers),
    ...sniperMetrics(registers),
    ...shadowMetrics(registers),
    ...tracingMetrics(registers),
    raised: new Counter({
      name: 'raised_total',
      help: 'Failures off the path of a request, by operation',
      labelNames: ['operation'],
      registers,
    }),
  };
}
