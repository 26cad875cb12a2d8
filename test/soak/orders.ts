// `npm run soak:orders [-- --orders N --rounds N --users N --seed N --minutes N]`: the proof of orders at the size of a release. Each
// round that was verified is a line on stdout, of all rounds so far, so that what is cut off has its result, too.
import process from 'node:process';
import { parseArgs } from 'node:util';
import { type SoakResult, soakOrders } from './orders-soak.ts';

const { values } = parseArgs({
  options: {
    orders: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '50' },
    users: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    minutes: { type: 'string', default: String(24 * 60) },
  },
});
const { orders, rounds, users, seed, minutes } = values;
if (![orders, rounds, users, seed, minutes].every((each) => Number.isSafeInteger(Number(each)) && Number(each) > 0)) {
  console.error('--orders, --rounds, --users, --seed and --minutes take whole numbers above 0');
  process.exit(2);
}
const overMs = performance.now() + Number(minutes) * 60_000;
let isStopped = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    isStopped = true;
    console.error(`${signal}: stops after this round`);
  });
}
console.error(`${orders} orders a round, ${rounds} rounds, ${users} users, seed ${seed}`);
try {
  const options = {
    orders: Number(orders),
    rounds: Number(rounds),
    users: Number(users),
    seed: Number(seed),
    timeoutMs: 1000,
    isOver: () => isStopped || performance.now() >= overMs,
    onRound: (result: SoakResult) => console.log(JSON.stringify(result)),
  };
  await soakOrders(options);
} catch (error) {
  console.error(`broken with --seed ${seed}:`, error);
  process.exit(1);
}
