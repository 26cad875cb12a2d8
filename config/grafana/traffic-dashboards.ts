// What passes: the gateway, its routes, streams.
import type { Dashboard } from './panels.ts';
import { CHOSEN, lines, number, quantile, query, rate, table } from './queries.ts';

export const gateway: Dashboard = {
  uid: 'banyan-gateway',
  title: 'Banyan: gateway',
  panels: [
    number('Requests', 'reqps', 'All that were answered.', 'sum(rate(banyan_requests_total[$__rate_interval]))'),
    number(
      'Overhead, p99',
      's',
      'Until a request is on a connection. The budget is 5 ms.',
      'banyan_gateway_overhead_seconds:p99_5m',
    ),
    number('Requests in flight', 'short', 'Being answered now.', 'sum(banyan_requests_in_flight)'),
    number('Flags stale for', 's', '0 while the flags can be read.', 'max(banyan_flags_stale_seconds)'),
    lines(
      'Requests by side',
      'reqps',
      'Who answers; `gateway` is what it answers by itself.',
      query(rate('banyan_requests_total', 'side'), '{{side}}'),
    ),
    lines(
      'Why that side',
      'reqps',
      'The reason of each decision.',
      query(rate('banyan_requests_total', 'decision'), '{{decision}}'),
    ),
    lines(
      'Overhead',
      's',
      'What the gateway adds before a request is sent on.',
      query(quantile(0.5, 'banyan_gateway_overhead_seconds', ''), 'p50'),
      query(quantile(0.99, 'banyan_gateway_overhead_seconds', ''), 'p99'),
    ),
    lines(
      'Failures and refusals',
      'reqps',
      'Requests that could not be forwarded, and those refused before.',
      query(rate('banyan_forward_failures_total', 'side, failure'), '{{side}} {{failure}}'),
      query(rate('banyan_requests_refused_total', 'reason'), 'refused: {{reason}}'),
    ),
    lines(
      'Sides that answer their health check',
      'short',
      '1 is up; a side without a check is absent.',
      query('min by (side) (banyan_upstream_up)', '{{side}}'),
    ),
    lines(
      'Ledger',
      'short',
      'Whether it is away, and the changes that wait for it.',
      query('max(banyan_ledger_away)', 'away'),
      query('sum(banyan_ledger_journal_entries)', 'waiting'),
    ),
    lines(
      'Processor',
      'percentunit',
      'Of one core, of all processes of a gateway.',
      query(
        'sum by (instance) (rate(process_cpu_seconds_total{job="banyan-gateway"}[$__rate_interval]))',
        '{{instance}}',
      ),
    ),
    lines(
      'Memory',
      'bytes',
      'Resident.',
      query('sum by (instance) (process_resident_memory_bytes{job="banyan-gateway"})', '{{instance}}'),
    ),
    table('Builds', 'Which build runs where.', 'banyan_build_info'),
    lines(
      'Workers',
      'short',
      'Processes that serve, and those that have ended unasked.',
      query('sum(banyan_workers)', 'serving'),
      query('sum by (how) (increase(banyan_worker_ends_total[$__rate_interval]))', 'ended: {{how}}'),
    ),
  ],
};

export const route: Dashboard = {
  uid: 'banyan-route',
  title: 'Banyan: route',
  routesOf: 'banyan_route_stage',
  panels: [
    table('Stage', 'The stage in force; an override shows as what it comes to.', `banyan_route_stage${CHOSEN} == 1`),
    lines(
      'Share that new serves',
      'percentunit',
      'Of the users, as flags and overrides say.',
      query(`max by (route) (banyan_route_new_share${CHOSEN})`, '{{route}}'),
    ),
    lines(
      'Requests: legacy and new',
      'reqps',
      'Side by side.',
      query(rate('banyan_requests_total', 'route, side', CHOSEN), '{{route}} {{side}}'),
    ),
    lines(
      'Share of errors: legacy and new',
      'percentunit',
      'Answers of 5xx.',
      query(`route_side:banyan_requests_failed:ratio_rate5m${CHOSEN}`, '{{route}} {{side}}'),
    ),
    lines(
      'Duration, p95: legacy and new',
      's',
      'As clients have it. Of event streams the time to their head.',
      query(quantile(0.95, 'banyan_request_duration_seconds', 'route, side', CHOSEN), '{{route}} {{side}}'),
    ),
    lines(
      'Duration, p50: legacy and new',
      's',
      'As above.',
      query(quantile(0.5, 'banyan_request_duration_seconds', 'route, side', CHOSEN), '{{route}} {{side}}'),
    ),
    lines(
      'Parity and coverage',
      'percentunit',
      'Never one without the other.',
      query(`route:banyan_parity:ratio10m${CHOSEN}`, '{{route}} parity'),
      query(`route:banyan_coverage:ratio10m${CHOSEN}`, '{{route}} coverage'),
    ),
    lines(
      'Overhead, p99',
      's',
      'What the gateway adds before a request is sent on.',
      query(quantile(0.99, 'banyan_gateway_overhead_seconds', 'route', CHOSEN), '{{route}}'),
    ),
  ],
};

export const streams: Dashboard = {
  uid: 'banyan-streams',
  title: 'Banyan: streams',
  routesOf: 'banyan_route_stage',
  panels: [
    lines(
      'Open streams',
      'short',
      'By kind and side.',
      query(`sum by (kind, side) (banyan_open_streams${CHOSEN})`, '{{kind}} {{side}}'),
    ),
    lines(
      'Still on the old side',
      'short',
      'A flip is over when this is 0.',
      query(`sum by (route) (banyan_streams_on_old_side${CHOSEN})`, '{{route}}'),
    ),
    lines(
      'Streams that were to be compared',
      'short',
      'Those begun, and why others were not or no longer.',
      query(rate('banyan_compared_streams_total', 'outcome', CHOSEN), '{{outcome}}'),
    ),
    lines(
      'How much later new is, p95',
      's',
      'Negative where new comes first.',
      query(quantile(0.95, 'banyan_compared_stream_lag_seconds', 'route', CHOSEN), '{{route}}'),
    ),
    lines('The new backend: open streams', 'short', 'By kind.', query('sum by (kind) (streams_open)', '{{kind}}')),
    lines(
      'The new backend: gaps and ends',
      'short',
      'What clients were told of, and close codes.',
      query(rate('stream_gaps_total', 'reason'), 'gap: {{reason}}'),
      query(rate('streams_ended_total', 'code'), 'ended: {{code}}'),
    ),
  ],
};
