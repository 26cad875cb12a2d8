// Starts a peer by its name, whatever it is made of.
import { join } from 'node:path';
import type { BenchContext } from '../bench-context.ts';
import type { PeerName } from '../options.ts';
import type { Target } from '../rounds.ts';
import { startHaproxy, startNginx } from './native.ts';

const PEER_MAIN = join(import.meta.dirname, 'main.ts');

/** `ws-relay` passes WebSockets only. */
export async function startPeer(name: PeerName | 'ws-relay', context: BenchContext, upstream: string): Promise<Target> {
  if (name === 'nginx' || name === 'haproxy') {
    const { running, address } = await (name === 'nginx' ? startNginx : startHaproxy)(name, { ...context, upstream });
    return { name, address, running, warmsUp: false };
  }
  const args = [PEER_MAIN, name, `http://${upstream}`];
  const running = await context.processes.startNode({ name, args, pinned: true });
  return { name, address: running.listening.traffic ?? '', running, warmsUp: true };
}

/** Peers that cannot run here, and how to get them. */
export function missingPeers({ machine, options }: BenchContext): Readonly<Record<string, string>> {
  const missing = (['nginx', 'haproxy'] as const).filter(
    (name) => options.peers.includes(name) && !machine.tools[name],
  );
  return Object.fromEntries(missing.map((name) => [name, `${name} is skipped: not installed (apt install ${name})`]));
}
