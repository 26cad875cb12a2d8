// How far the migration is: what comparing finds, and what was moved.
import type { Dashboard } from './panels.ts';
import { CHOSEN, lines, query, rate, table } from './queries.ts';

export const comparing: Dashboard = {
  uid: 'banyan-comparing',
  title: 'Banyan: comparing',
  routesOf: 'banyan_route_stage',
  panels: [
    lines(
      'Outcomes',
      'reqps',
      'Everything that was to be compared is in exactly one of them.',
      query(rate('banyan_mirror_outcomes_total', 'outcome', CHOSEN), '{{outcome}}'),
    ),
    lines(
      'Why copies were not sent or not compared',
      'reqps',
      'Each lowers the coverage.',
      query(rate('banyan_mirror_dropped_total', 'reason', CHOSEN), '{{reason}}'),
    ),
    lines(
      'Parity by route',
      'percentunit',
      'Of the last ten minutes, of what could be compared.',
      query(`route:banyan_parity:ratio10m${CHOSEN}`, '{{route}}'),
    ),
    lines(
      'Coverage by route',
      'percentunit',
      'Of the last ten minutes, of what was to be compared.',
      query(`route:banyan_coverage:ratio10m${CHOSEN}`, '{{route}}'),
    ),
    lines('Waiting copies', 'short', 'Bounded by mirror.queueMax.', query('sum(banyan_mirror_waiting)', 'copies')),
    lines(
      'Share of copies that is sent',
      'percentunit',
      'Less than 1 while a side is slow or fails.',
      query('min by (side) (banyan_mirror_allowed_share)', '{{side}}'),
    ),
    lines(
      'Messages of compared streams',
      'reqps',
      'Pairs by their verdict, and single ones.',
      query(rate('banyan_compared_stream_messages_total', 'outcome', CHOSEN), '{{outcome}}'),
    ),
    lines('Rules', 'short', 'By state.', query(`sum by (state) (banyan_rules${CHOSEN})`, '{{state}}')),
    lines(
      'Replays',
      'reqps',
      'Samples sent again, by what came of them.',
      query(rate('banyan_replays_total', 'result', CHOSEN), '{{result}}'),
    ),
    lines('Is what is found stored?', 'short', '1 is yes.', query('min(banyan_evidence_stored)', 'stored')),
  ],
};

export const migration: Dashboard = {
  uid: 'banyan-migration',
  title: 'Banyan: migration',
  panels: [
    lines(
      'Routes by stage',
      'short',
      'How far all of it is.',
      query('sum by (stage) (max by (route, stage) (banyan_route_stage))', '{{stage}}'),
    ),
    lines(
      'Share of requests that new serves',
      'percentunit',
      'Of those that a side answers.',
      query(
        'sum(rate(banyan_requests_total{side="new"}[$__rate_interval])) / sum(rate(banyan_requests_total{side=~"legacy|new"}[$__rate_interval]))',
        'new',
      ),
    ),
    lines(
      'Flips',
      'short',
      'Changes of who serves, by what made them.',
      query('sum by (action, source) (increase(banyan_flips_total[$__rate_interval]))', '{{action}} by {{source}}'),
    ),
    lines(
      'What guards decided',
      'short',
      'roll_back, hold, or would_roll_back in a dry run.',
      query(
        'sum by (route, decision, cause) (increase(banyan_guard_decisions_total[$__rate_interval]))',
        '{{route}} {{decision}} {{cause}}',
      ),
    ),
    lines('Steps of plans', 'short', 'From 1.', query('max by (route) (banyan_plan_step)', '{{route}}')),
    lines(
      'Answers of gates',
      'short',
      'Counted when they become another.',
      query('sum by (gate, status) (increase(banyan_gate_outcomes_total[$__rate_interval]))', '{{gate}} {{status}}'),
    ),
    lines(
      'Writes that legacy lacks',
      'short',
      'What going back would lose.',
      query('max by (route) (banyan_writes_legacy_lacks)', '{{route}}'),
    ),
    lines(
      'Notifications',
      'short',
      'Taken, given up, never tried.',
      query('sum by (target) (increase(banyan_notifications_sent_total[$__rate_interval]))', '{{target}} taken'),
      query(
        'sum by (target, reason) (increase(banyan_notifications_failed_total[$__rate_interval]))',
        '{{target}} given up: {{reason}}',
      ),
    ),
    table('Stages', 'Where every route is.', 'max by (route, stage) (banyan_route_stage) == 1'),
  ],
};
