import type { Certificate } from '../facts.ts';
import type { Verdict } from './verdict.ts';

/** Whether the data that the route needs is there: every required job has a valid certificate. */
export function dataGate(certificates: readonly Certificate[]): Verdict {
  const invalid = certificates.filter(({ problem }) => problem !== undefined);
  const numbers = { required: certificates.length, valid: certificates.length - invalid.length };
  if (invalid.length > 0) {
    const sentence = invalid.map(({ job, problem }) => `${job}: ${problem}`).join('; ');
    return { gate: 'data', status: 'fail', sentence, numbers };
  }
  const names = certificates.map(({ job }) => job).join(', ');
  const sentence = certificates.length === 0 ? 'the route requires no data job' : `certificates are valid: ${names}`;
  return { gate: 'data', status: 'pass', sentence, numbers };
}
