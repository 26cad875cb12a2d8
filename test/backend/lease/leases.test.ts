import { createAloneLeases } from '../../../backend/lease/lease.ts';
import { createRedisLeases } from '../../../backend/lease/redis.ts';
import { leasesContract } from '../../contracts/leases.ts';
import { closingAfterEach } from '../../helpers/closing.ts';
import { startRedis } from '../../helpers/redis.ts';

const keep = closingAfterEach();

leasesContract('alone', async () => createAloneLeases);
for (const [name, javascript] of [
  ['the Redis on PATH, if any', false],
  ['the JavaScript Redis', true],
] as const) {
  leasesContract(name, async () => {
    const { url } = await keep(startRedis(0, { javascript }));
    return (hooks) => createRedisLeases(url, hooks);
  });
}
