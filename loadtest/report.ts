// The parts of a comparison's report by their names; config/load-report.ts has its shape, which the gateway reads too.
import type { LoadReport } from '../config/load-report.ts';

export type Report = LoadReport;
export type Arm = Report['arms'][number];
export type Overhead = Report['overheads'][number];
export type Verdict = Report['verdicts'][number];
export type Moment = Report['series'][number];
