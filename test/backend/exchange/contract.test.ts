import { createMexc } from '../../../backend/exchange/mexc.ts';
import { exchangeContract } from '../../contracts/exchange.ts';
import { createFakeExchange } from '../../helpers/fake-exchange.ts';
import { createExchangeSimulator } from '../../sandbox/exchange/server.ts';

exchangeContract('in memory', async () => {
  const exchange = createFakeExchange();
  exchange.setFree('MX', '1000000000');
  return {
    exchange,
    loseNext: (operation, effect) => exchange.trouble(operation, effect === 'done' ? 'lost' : 'unknown'),
    orderCount: exchange.orderCount,
    close: exchange.close,
  };
});

exchangeContract('MEXC over REST', async () => {
  const keys = { apiKey: 'mx0contract', secretKey: 'contract-secret' };
  const simulator = await createExchangeSimulator(keys);
  const exchange = createMexc({ ...keys, url: simulator.url, timeoutMs: 5000, recvWindowMs: 5000, now: Date.now });
  const methods = { submit: 'POST', cancel: 'DELETE', find: 'GET' };
  return {
    exchange,
    loseNext(operation, effect) {
      const when = effect === 'done' ? 'after' : 'before';
      simulator.inject({ kind: 'error', status: 503, when, method: methods[operation], path: '/order' });
    },
    orderCount: simulator.orderCount,
    async close() {
      await exchange.close();
      await simulator.close();
    },
  };
});
