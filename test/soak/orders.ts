// `npm run soak:orders [-- --orders N --rounds N --users N --seed N]`: the proof of orders at the size of a release.
import process from 'node:process';
import { parseArgs } from 'node:util';
import { soakOrders } from './orders-soak.ts';

const { values } = parseArgs({
  options: {
    orders: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '50' },
    users: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
});
const [orders, rounds, users, seed] = [values.orders, values.rounds, values.users, values.seed].map(Number);
if (![orders, rounds, users, seed].every((each) => Number.isSafeInteger(each) && Number(each) > 0)) {
  console.error('--orders, --rounds, --users and --seed take whole numbers above 0');
  process.exit(2);
}
console.error(`${orders} orders a round, ${rounds} rounds, ${users} users, seed ${seed}`);
try {
  const options = {
    orders: Number(orders),
    rounds: Number(rounds),
    users: Number(users),
    seed: Number(seed),
    timeoutMs: 1000,
  };
  console.log(JSON.stringify(await soakOrders({ ...options, say: (line) => console.error(line) })));
} catch (error) {
  console.error(`broken with --seed ${seed}:`, error);
  process.exit(1);
}
