// `npm run soak -- [HOURS]`: that many hours of mirroring, two unless told otherwise, in minutes. Ends with 1 when memory or
// the ledger has grown.
import { growthOf, soak } from './soak.ts';

/** What collecting garbage leaves now and then. */
const HEAP_GROWTH_MB_MAX = 3;
const COUNTERS_GROWTH_MAX = 500;
const REQUESTS_PER_SECOND = 10;

const [hours = 2] = process.argv.slice(2).map(Number);
const { requests, looks } = await soak({
  seconds: hours * 3_600,
  requestsPerSecond: REQUESTS_PER_SECOND,
  say: console.error,
});
const heapMb = growthOf(looks, (look) => look.heapMb);
const residentMb = growthOf(looks, (look) => look.residentMb);
const counters = growthOf(looks, (look) => look.counters);
console.log(
  `${hours} h, ${requests} requests; from the third quarter to the last: heap ${heapMb.toFixed(2)} MB, ` +
    `resident ${residentMb.toFixed(1)} MB, counters in the ledger ${counters.toFixed(0)}`,
);
if (heapMb > HEAP_GROWTH_MB_MAX || counters > COUNTERS_GROWTH_MAX) {
  console.error(`grown: at most ${HEAP_GROWTH_MB_MAX} MB of heap and ${COUNTERS_GROWTH_MAX} counters are borne`);
  process.exitCode = 1;
}
