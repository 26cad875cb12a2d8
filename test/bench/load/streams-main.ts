// node load/streams-main.ts SPEC: opens streams, says so by a line, measures when it is sent one, prints the result.
import { once } from 'node:events';
import { openStreams, type StreamSpec } from './streams.ts';

const spec = JSON.parse(process.argv[2] ?? '{}') as StreamSpec;
const load = await openStreams(spec);
console.log(JSON.stringify({ open: spec.streams }));
await once(process.stdin, 'data');
console.log(JSON.stringify(await load.measure()));
process.exit(0); // Thousands of streams end at once: nobody waits for their closing.
