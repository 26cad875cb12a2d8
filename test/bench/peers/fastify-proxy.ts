// @fastify/http-proxy with its defaults, and as many connections as the others have.
import proxy from '@fastify/http-proxy';
import fastify from 'fastify';
import { CONNECTIONS, type PeerProxy } from './peer.ts';

export const startFastifyProxy: PeerProxy = async (target) => {
  const app = fastify();
  await app.register(proxy, { upstream: target, undici: { connections: CONNECTIONS } });
  const url = await app.listen({ port: 0, host: '127.0.0.1', backlog: 1024 });
  return url.replace('http://', '');
};
