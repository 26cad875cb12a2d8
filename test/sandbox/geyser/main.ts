// The simulated Geyser server as a process. Environment: GEYSER_LISTEN (127.0.0.1:8014), GEYSER_TOKEN (none: nobody is asked),
// GEYSER_SEED (1), GEYSER_SLOT_MS (400), GEYSER_STORED_SLOTS (1500), GEYSER_FAULTS ("true": now and then it cuts its clients off,
// says that they lag, or leaves slots out first). The chain goes by the clock, so that it goes on while nobody serves it.
import process from 'node:process';
import { status } from '@grpc/grpc-js';
import { stopOnSignal } from '../stop.ts';
import { createSandboxChain } from './pump-chain.ts';
import { startGeyserServer } from './server.ts';

const { env } = process;
const FAULT_EVERY_SLOTS = 150n;
const MUTED_SLOTS = 5n;

const slotMs = Number(env.GEYSER_SLOT_MS ?? 400);
const { chain, firstSlot, slotAt } = createSandboxChain({ seed: Number(env.GEYSER_SEED ?? 1), slotMs });
const slotNow = () => slotAt(Date.now());
const server = await startGeyserServer({
  chain,
  firstSlot,
  startSlot: slotNow(),
  port: Number((env.GEYSER_LISTEN ?? '127.0.0.1:8014').split(':').at(-1)),
  token: env.GEYSER_TOKEN || undefined,
  storedSlots: Number(env.GEYSER_STORED_SLOTS ?? 1500),
});

function fail(slot: bigint): void {
  const since = slot % FAULT_EVERY_SLOTS;
  const kind = (slot / FAULT_EVERY_SLOTS) % 3n;
  if (since === 0n && kind === 2n) server.muted = true;
  if (since !== MUTED_SLOTS) return;
  server.muted = false;
  if (kind === 0n) server.cut();
  else server.cut(status.INTERNAL, 'lagged to receive geyser messages');
}
const producing = setInterval(() => {
  for (let slot = server.slot() + 1n; slot <= slotNow(); slot++) {
    server.produce(slot);
    if (env.GEYSER_FAULTS === 'true') fail(slot);
  }
}, slotMs / 2);

stopOnSignal('geyser', async () => {
  clearInterval(producing);
  await server.close();
});
console.log(JSON.stringify({ listening: { grpc: new URL(server.url).host } }));
