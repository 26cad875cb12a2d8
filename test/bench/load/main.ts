// node load/main.ts SPEC: puts a load on a target and prints the result as one line of JSON.
import { runLoad } from './generate.ts';
import type { LoadSpec } from './load.ts';

const result = await runLoad(JSON.parse(process.argv[2] ?? '{}') as LoadSpec);
console.log(JSON.stringify(result));
process.exit(0); // Connections to a target that hangs must not hold the process.
