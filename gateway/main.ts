// node gateway/main.ts --config FILE
import { parseArgs } from 'node:util';
import { serve } from './serve.ts';

const { values } = parseArgs({ options: { config: { type: 'string', short: 'c' } }, strict: false });
if (typeof values.config === 'string') process.exitCode = await serve(values.config);
else {
  console.error('usage: node gateway/main.ts --config FILE');
  process.exitCode = 2;
}
