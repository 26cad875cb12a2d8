// A comparing thread that fails in every way, by what legacy's body says; else it finds no difference.
import { parentPort } from 'node:worker_threads';
import type { CompareRequest } from '../../../gateway/mirror/compare-worker.ts';

parentPort?.on('message', ({ legacy }: CompareRequest) => {
  const wish = Buffer.from(legacy.bytes).toString();
  if (wish === 'hang') for (;;);
  if (wish === 'throw') throw new Error('as wished');
  if (wish === 'exit') process.exit(3);
  if (wish === 'fill') for (const kept: unknown[] = []; ; ) kept.push(new Array(100_000).fill(kept.length));
  parentPort?.postMessage({ differences: [], spentMs: 2 });
});
