// The sandbox's Solana as a process. Environment: SOLANA_LISTEN (127.0.0.1:8014).
import process from 'node:process';
import { stopOnSignal } from '../stop.ts';
import { createSolanaSimulator } from './server.ts';

const listen = process.env.SOLANA_LISTEN ?? '127.0.0.1:8014';
const solana = await createSolanaSimulator({ port: Number(listen.split(':').at(-1)) });
stopOnSignal('solana', () => solana.close());
console.log(JSON.stringify({ listening: { http: new URL(solana.url).host } }));
