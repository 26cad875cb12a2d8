// fast-gateway with its defaults, which keep connections alive.
import fastGateway from 'fast-gateway';
import { listenOnLoopback, type PeerProxy } from './peer.ts';

export const startFastGateway: PeerProxy = (target) =>
  listenOnLoopback(fastGateway({ routes: [{ prefix: '', target }] }).getServer());
