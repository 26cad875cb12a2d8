// `npm run dashboards`: writes dashboards/*.json, which Grafana reads, from dashboards.ts, which people read.
import { writeFileSync } from 'node:fs';
import { DASHBOARDS } from './dashboards.ts';
import { renderDashboard } from './panels.ts';

for (const dashboard of DASHBOARDS) {
  writeFileSync(new URL(`./dashboards/${dashboard.uid}.json`, import.meta.url), renderDashboard(dashboard));
}
