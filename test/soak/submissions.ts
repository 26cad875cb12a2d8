// The full proof: `npm run soak:submissions` (10,000), or `-- --count N`.
import { parseArgs } from 'node:util';
import { submissionsSoak } from './submissions-soak.ts';

const { values } = parseArgs({ options: { count: { type: 'string', default: '10000' } } });
const startedAtMs = performance.now();
const { arrived, expected, ...report } = await submissionsSoak(Number(values.count));
const seconds = Math.round((performance.now() - startedAtMs) / 1000);
console.log(JSON.stringify({ ...report, arrived: String(arrived), expected: String(expected), seconds }, null, 2));
const { landed = 0, failed = 0, expired = 0 } = report.outcomes;
process.exitCode = report.wrong.length === 0 && landed + failed + expired === report.count ? 0 : 1;
