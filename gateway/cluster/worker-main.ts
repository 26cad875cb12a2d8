// A worker process; fleet.ts starts it.
import { runWorker } from './worker.ts';

runWorker();
