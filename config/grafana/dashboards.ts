// All dashboards.
import { backend } from './backend-dashboard.ts';
import type { Dashboard } from './panels.ts';
import { comparing, migration } from './progress-dashboards.ts';
import { gateway, route, streams } from './traffic-dashboards.ts';

export const DASHBOARDS: readonly Dashboard[] = [gateway, route, comparing, migration, backend, streams];
