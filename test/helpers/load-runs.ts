// Kept load comparisons, for those who only read them.
import { writeReport } from '../../loadtest/write-report.ts';
import { measured, reportOf } from '../loadtest/measured.ts';

/** Keeps a run of some rounds in a folder, in which the gateway added so much and the new side took so long. */
export function keepLoadRun(folder: string, at: string, ms: { readonly new?: number; readonly gateway?: number } = {}) {
  const report = { ...reportOf(measured(6, { legacy: 2, new: 2, gateway: 2.5, ...ms })), at };
  const met = report.verdicts.every(({ outcome }) => outcome === 'met');
  writeReport({ ...report, met }, folder);
  return { ...report, met };
}
