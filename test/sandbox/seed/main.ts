// Fills both databases with the seed, as a process that ends. Environment: DATABASE_URL, DYNAMODB_ENDPOINT, DYNAMODB_TABLE
// (banyan).
import process from 'node:process';
import { loadLegacy } from './load-legacy.ts';
import { loadNew } from './load-new.ts';

const { DATABASE_URL: database, DYNAMODB_ENDPOINT: endpoint, DYNAMODB_TABLE: table = 'banyan' } = process.env;
if (!database || !endpoint) {
  console.error('seed: set DATABASE_URL (postgres://...) and DYNAMODB_ENDPOINT (http://...)');
  process.exit(2);
}
const [legacy, fresh] = await Promise.all([loadLegacy(database), loadNew({ endpoint, table })]);
console.log(JSON.stringify({ seeded: { legacy, new: fresh } }));
