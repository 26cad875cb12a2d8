// A test gateway in a process of its own, which can be killed: `node gateway-child.ts CONSOLE_DIR BACKEND_URL OPERATOR_ADDRESS`.
import { startTestGateway, TEST_OPERATOR } from '../helpers/gateway.ts';

const [consoleDir = '', backend = '', listen = ''] = process.argv.slice(2);
const gateway = await startTestGateway({
  ...{ legacy: backend, new: backend, consoleDir },
  routes: [{ id: 'alpha.get', match: { methods: ['GET'], path: '/alpha/:id' } }],
  overrides: { operator: { ...TEST_OPERATOR, listen } },
});
console.log(JSON.stringify({ listening: { operator: new URL(gateway.operatorUrl).host } }));
