// Hono's own proxy() helper on node-server, as its documentation shows it.
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { proxy } from 'hono/proxy';
import { listenOnLoopback, type PeerProxy } from './peer.ts';

export const startHonoProxy: PeerProxy = (target) => {
  const app = new Hono();
  app.all('*', (c) => {
    const { pathname, search } = new URL(c.req.url);
    return proxy(`${target}${pathname}${search}`, { raw: c.req.raw });
  });
  return listenOnLoopback(createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }));
};
