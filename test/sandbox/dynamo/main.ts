// A DynamoDB stand-in as a process, its files under a folder: `--path DIR --port N` (0: any free; no path: in memory).
import { mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startDynalite } from '../../helpers/dynamo.ts';
import { stopOnSignal } from '../stop.ts';

const { values } = parseArgs({ options: { path: { type: 'string' }, port: { type: 'string', default: '0' } } });
if (values.path !== undefined) mkdirSync(values.path, { recursive: true });
const { endpoint, close } = await startDynalite(values.path, Number(values.port));
stopOnSignal('dynamo', close);
console.log(JSON.stringify({ listening: { http: new URL(endpoint).host } }));
