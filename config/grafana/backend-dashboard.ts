// The new backend by itself.
import type { Dashboard } from './panels.ts';
import { lines, quantile, query, rate } from './queries.ts';

export const backend: Dashboard = {
  uid: 'banyan-backend',
  title: 'Banyan: new backend',
  panels: [
    lines('Requests', 'reqps', 'By route.', query('route:api_requests:rate5m', '{{route}}')),
    lines(
      'Share of errors',
      'percentunit',
      'Answers of 5xx.',
      query('route:api_requests_failed:ratio_rate5m', '{{route}}'),
    ),
    lines('Duration, p95', 's', 'By route.', query('route:api_request_seconds:p95_5m', '{{route}}')),
    lines(
      'Orders, p95',
      's',
      'From being asked about to what came of them, with and without the exchange.',
      query(quantile(0.95, 'order_latency_seconds', ''), 'whole'),
      query(quantile(0.95, 'order_own_seconds', ''), 'own'),
    ),
    lines(
      'Orders by status',
      'short',
      'That they came to.',
      query(rate('order_changes_total', 'status'), '{{status}}'),
    ),
    lines(
      'Decisions of risk',
      'short',
      'By reason.',
      query(rate('risk_decisions_total', 'decision, reason'), '{{decision}} {{reason}}'),
    ),
    lines(
      'Calls to the exchange, p95',
      's',
      'By operation.',
      query(quantile(0.95, 'exchange_call_seconds', 'operation'), '{{operation}}'),
    ),
    lines(
      'What came of calls to the exchange',
      'reqps',
      'By operation and result.',
      query(rate('exchange_call_seconds_count', 'operation, result'), '{{operation}} {{result}}'),
    ),
    lines(
      'Unsettled',
      'short',
      'Orders and positions in the table.',
      query('max(active_orders)', 'orders'),
      query('max(active_positions)', 'positions'),
    ),
    lines(
      'Reconciling',
      'short',
      'Orders asked about again, by result.',
      query(rate('orders_reconciled_total', 'result'), '{{result}}'),
    ),
    lines(
      'Trouble',
      'short',
      'What was tried again, dropped or not stored.',
      query(rate('store_retries_total', 'operation'), 'store: {{operation}}'),
      query('sum(rate(bus_dropped_total[$__rate_interval]))', 'bus'),
      query('sum(rate(order_outcomes_not_stored_total[$__rate_interval]))', 'outcomes not stored'),
    ),
    lines(
      'Dry runs',
      'reqps',
      'By what verifying said of them.',
      query(rate('shadow_requests_total', 'result'), '{{result}}'),
    ),
  ],
};
