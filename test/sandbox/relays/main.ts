// The sandbox's relays as a process. Environment: RELAYS_LISTEN (127.0.0.1:8016), RELAYS_RPC_URL (http://127.0.0.1:8014/rpc/relays).
import process from 'node:process';
import { stopOnSignal } from '../stop.ts';
import { createRelaysSimulator } from './server.ts';

const listen = process.env.RELAYS_LISTEN ?? '127.0.0.1:8016';
const rpcUrl = process.env.RELAYS_RPC_URL ?? 'http://127.0.0.1:8014/rpc/relays';
const relays = await createRelaysSimulator({ port: Number(listen.split(':').at(-1)), rpcUrl });
stopOnSignal('relays', () => relays.close());
console.log(JSON.stringify({ listening: { http: new URL(relays.url).host } }));
