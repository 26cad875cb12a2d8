// Every metric of the gateway: name, labels, buckets. Labels are bounded: route ids, sides and closed lists, never a
// path or a user.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { VERSION } from '../config/version.ts';
import { HotCounter, HotHistogram } from './hot-metrics.ts';

/** OpenTelemetry's advice for HTTP servers, and finer steps below, since a gateway adds less than a millisecond. */
const DURATION_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What a gateway adds to a request before it is sent on. */
const OVERHEAD_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

/** Of messages, which the new side may also send first. */
const LAG_BUCKETS = [-1, -0.1, -0.01, 0, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export type GatewayMetrics = ReturnType<typeof createMetrics>;

export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  showBuild(registers);
  return {
    registry,
    ...requestMetrics(registers),
    refused: new Counter({
      name: 'banyan_requests_refused_total',
      help: 'Requests and connections that were refused and never forwarded, by reason (see http/refusal.ts).',
      labelNames: ['reason'] as const,
      registers,
    }),
    inFlight: new Gauge({ name: 'banyan_requests_in_flight', help: 'Requests being answered.', registers }),
    streams: new Gauge({
      name: 'banyan_open_streams',
      help: 'WebSockets and event streams that are open, by route and the side they are on.',
      labelNames: ['route', 'side', 'kind'] as const,
      registers,
    }),
    streamsOnOldSide: new Gauge({
      name: 'banyan_streams_on_old_side',
      help: 'Open streams on a side that no longer serves them: a flip is over when this is zero.',
      labelNames: ['route'] as const,
      registers,
    }),
    ...upstreamMetrics(registers),
    ...stageMetrics(registers),
    ...mirrorMetrics(registers),
    ...flagMetrics(registers),
    ...reviewMetrics(registers),
    ...planMetrics(registers),
    ...operatorMetrics(registers),
    ...ledgerMetrics(registers),
    evidenceStored: new Gauge({
      name: 'banyan_evidence_stored',
      help: 'Whether what comparing finds is being stored, so that it would survive a restart.',
      registers,
    }),
    writesLegacyLacks: new Gauge({
      name: 'banyan_writes_legacy_lacks',
      help: 'Writes that the new side has accepted and that legacy has not got: what going back would lose.',
      labelNames: ['route'] as const,
      registers,
    }),
    configReloads: new Counter({
      name: 'banyan_config_reloads_total',
      help: 'Configurations read anew, by whether they were put in force.',
      labelNames: ['result'] as const,
      registers,
    }),
    configLoaded: new Gauge({
      name: 'banyan_config_loaded_timestamp_seconds',
      help: 'When the configuration in force was loaded.',
      registers,
    }),
    ...workerMetrics(registers),
    ...tracingMetrics(registers),
    ...notifyMetrics(registers),
    raised: new Counter({
      name: 'banyan_internal_errors_total',
      help: 'Failures of the gateway itself, by operation; each is in the log.',
      labelNames: ['operation'] as const,
      registers,
    }),
  };
}

function requestMetrics(registers: Registry[]) {
  return {
    requests: new HotCounter({
      name: 'banyan_requests_total',
      help: 'Requests answered, by route, serving side, the reason of the decision and the class of the status.',
      labelNames: ['route', 'side', 'decision', 'code'] as const,
      registers,
    }),
    duration: new HotHistogram({
      name: 'banyan_request_duration_seconds',
      help: 'From the request head to the last byte of the answer, as the client has it.',
      labelNames: ['route', 'side'] as const,
      buckets: DURATION_BUCKETS,
      registers,
    }),
    overhead: new HotHistogram({
      name: 'banyan_gateway_overhead_seconds',
      help: 'From the request head until the request is on a connection to the side that answers it, and waiting for one.',
      labelNames: ['route'] as const,
      buckets: OVERHEAD_BUCKETS,
      registers,
    }),
    failures: new Counter({
      name: 'banyan_forward_failures_total',
      help: 'Requests that could not be forwarded or answered whole, by what happened (see failure.ts).',
      labelNames: ['route', 'side', 'failure'] as const,
      registers,
    }),
  };
}

function showBuild(registers: Registry[]): void {
  const info = new Gauge({
    name: 'banyan_build_info',
    help: 'Always 1: which build this is, and the Node that runs it.',
    labelNames: ['version', 'node'] as const,
    aggregator: 'max', // Every worker is the same build.
    registers,
  });
  info.set({ version: VERSION, node: process.version }, 1);
}

/** Who serves; see stage-metrics.ts. */
function stageMetrics(registers: Registry[]) {
  return {
    stages: new Gauge({
      name: 'banyan_route_stage',
      help: 'Whether a route is in a stage: 1 for the one it is in, 0 for the others.',
      labelNames: ['route', 'stage'] as const,
      registers,
    }),
    newShares: new Gauge({
      name: 'banyan_route_new_share',
      help: 'The share of its users, from 0 to 1, whom the new side is to serve.',
      labelNames: ['route'] as const,
      registers,
    }),
    flips: new Counter({
      name: 'banyan_flips_total',
      help: 'Changes of who serves: stage, rollback, lift; by what made them. Of all routes together the route is "*".',
      labelNames: ['route', 'action', 'source'] as const,
      registers,
    }),
  };
}

function upstreamMetrics(registers: Registry[]) {
  return {
    upstreamUp: new Gauge({
      name: 'banyan_upstream_up',
      help: 'Whether a side answers its health check; absent when none is configured.',
      labelNames: ['side'] as const,
      registers,
    }),
    versionShare: new Gauge({
      name: 'banyan_upstream_version_share',
      help: "Share of the new side's users whom each version of its backend serves; absent when it has no versions.",
      labelNames: ['version'] as const,
      registers,
    }),
    breakerOpen: new Gauge({
      name: 'banyan_breaker_open',
      help: 'Processes that leave a side alone, on a route that may fall back, because it keeps failing; each finds out for itself.',
      labelNames: ['route', 'side'] as const,
      registers,
    }),
  };
}

function planMetrics(registers: Registry[]) {
  return {
    planStep: new Gauge({
      name: 'banyan_plan_step',
      help: 'The step of its plan in which a route is, from 1; 0 before the plan was started.',
      labelNames: ['route'] as const,
      registers,
    }),
    gateOutcomes: new Counter({
      name: 'banyan_gate_outcomes_total',
      help: 'Answers of gates (pass, fail, inconclusive), each counted once a step until it becomes another.',
      labelNames: ['route', 'gate', 'status'] as const,
      registers,
    }),
    guardDecisions: new Counter({
      name: 'banyan_guard_decisions_total',
      help: 'What guards decided: roll_back, hold where legacy is bad too, would_roll_back in a dry run; by cause.',
      labelNames: ['route', 'decision', 'cause'] as const,
      registers,
    }),
  };
}

/** Of the process that decides, where workers serve for it. */
function workerMetrics(registers: Registry[]) {
  return {
    workers: new Gauge({ name: 'banyan_workers', help: 'Processes that serve traffic.', registers }),
    workerEnds: new Counter({
      name: 'banyan_worker_ends_total',
      help: 'Workers that have ended unasked and were replaced, by how: exit, signal, or unresponsive.',
      labelNames: ['how'] as const,
      registers,
    }),
    unreported: new Counter({
      name: 'banyan_worker_unreported_requests_total',
      help: "Requests missing in operators' traffic figures, because a worker could not report them in time.",
      registers,
    }),
  };
}

function tracingMetrics(registers: Registry[]) {
  return {
    spansExported: new Counter({
      name: 'banyan_spans_exported_total',
      help: 'Spans that the OpenTelemetry collector has taken.',
      registers,
    }),
    spansDropped: new Counter({
      name: 'banyan_spans_dropped_total',
      help: 'Spans that were never exported, by reason: queue, refused or stopped (see config/otlp/exporter.ts).',
      labelNames: ['reason'] as const,
      registers,
    }),
    exportFailures: new Counter({
      name: 'banyan_span_export_failures_total',
      help: 'Exports of spans that failed or were refused; those that failed are tried again.',
      registers,
    }),
  };
}

function notifyMetrics(registers: Registry[]) {
  return {
    notificationsSent: new Counter({
      name: 'banyan_notifications_sent_total',
      help: 'Notifications that their target has taken.',
      labelNames: ['target'] as const,
      registers,
    }),
    notificationsFailed: new Counter({
      name: 'banyan_notifications_failed_total',
      help: 'Notifications that were given up, by why: refused, gone, gave_up after all attempts, or stopped with the gateway.',
      labelNames: ['target', 'reason'] as const,
      registers,
    }),
    notificationsDropped: new Counter({
      name: 'banyan_notifications_dropped_total',
      help: 'Notifications that were never tried, by why: queue for want of room, gone, or stopped with the gateway.',
      labelNames: ['target', 'reason'] as const,
      registers,
    }),
  };
}

function mirrorMetrics(registers: Registry[]) {
  return {
    outcomes: new Counter({
      name: 'banyan_mirror_outcomes_total',
      help: 'Verdicts on mirrored requests.',
      labelNames: ['route', 'outcome'] as const,
      registers,
    }),
    dropped: new Counter({
      name: 'banyan_mirror_dropped_total',
      help: 'Copies that were never sent, by reason.',
      labelNames: ['route', 'reason'] as const,
      registers,
    }),
    idPairs: new Counter({
      name: 'banyan_mirror_id_pairs_total',
      help: 'Pairs of ids of the two sides that were learned, forgotten because they contradict others, or for want of room.',
      labelNames: ['event'] as const,
      registers,
    }),
    mirrorAllowedShare: new Gauge({
      name: 'banyan_mirror_allowed_share',
      help: 'Share of the copies to a side that may be sent now: less than 1 while it is slow or fails.',
      labelNames: ['side'] as const,
      aggregator: 'min', // Each worker finds out for itself.
      registers,
    }),
    comparedStreams: new Counter({
      name: 'banyan_compared_streams_total',
      help: 'Streams that were to be compared: those begun, and why others were not or no longer (see mirror/stream-counts.ts).',
      labelNames: ['route', 'outcome'] as const,
      registers,
    }),
    comparedMessages: new Counter({
      name: 'banyan_compared_stream_messages_total',
      help: 'Messages of compared streams: pairs by their verdict, of those late and reordered ones once more, and single ones.',
      labelNames: ['route', 'outcome'] as const,
      registers,
    }),
    messageLag: new Histogram({
      name: 'banyan_compared_stream_lag_seconds',
      help: "How much later the new side's messages came than legacy's; negative when they came before.",
      labelNames: ['route'] as const,
      buckets: LAG_BUCKETS,
      registers,
    }),
    mirrorWaiting: new Gauge({ name: 'banyan_mirror_waiting', help: 'Copies that wait for their turn.', registers }),
    mirrorWaitingBytes: new Gauge({ name: 'banyan_mirror_waiting_bytes', help: 'Bytes of waiting copies.', registers }),
  };
}

/** A ledger that may be away, and the changes that wait for it. */
function ledgerMetrics(registers: Registry[]) {
  return {
    ledgerAway: new Gauge({
      name: 'banyan_ledger_away',
      help: 'Whether the shared ledger cannot be reached, so that promotions are refused and changes wait.',
      registers,
    }),
    ledgerWaiting: new Gauge({
      name: 'banyan_ledger_journal_entries',
      help: 'Changes that wait in the journal for the shared ledger.',
      registers,
    }),
    ledgerJournal: new Counter({
      name: 'banyan_ledger_journal_total',
      help: 'Changes made while the shared ledger was away: journalled, then merged or dropped since they fitted no more; refused without room.',
      labelNames: ['result'] as const,
      registers,
    }),
  };
}

function flagMetrics(registers: Registry[]) {
  return {
    flagsStale: new Gauge({
      name: 'banyan_flags_stale_seconds',
      help: 'For how long the flags in force may differ from those of the flag server or file; 0 while it can be read.',
      registers,
    }),
  };
}

/** What operators do about differences. */
function operatorMetrics(registers: Registry[]) {
  return {
    loginsFailed: new Counter({
      name: 'banyan_operator_logins_failed_total',
      help: 'Wrong tokens shown to the operator API, and those refused because there had been too many.',
      registers,
    }),
    eventClients: new Gauge({
      name: 'banyan_operator_event_clients',
      help: 'Clients that follow the event stream of the operator API.',
      registers,
    }),
    eventClientsDropped: new Counter({
      name: 'banyan_operator_event_clients_dropped_total',
      help: 'Clients of the event stream that were cut off, since they did not read it.',
      registers,
    }),
  };
}

function reviewMetrics(registers: Registry[]) {
  return {
    replays: new Counter({
      name: 'banyan_replays_total',
      help: 'Samples whose request operators had sent again, by the verdict on the answers.',
      labelNames: ['route', 'result'] as const,
      registers,
    }),
    rules: new Gauge({
      name: 'banyan_rules',
      help: 'Rules for comparing, by route and state: active, expires_soon (within 7 days), expired, unknown_route, unreadable.',
      labelNames: ['route', 'state'] as const,
      registers,
    }),
  };
}
