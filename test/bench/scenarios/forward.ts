// 1. Plain forwarding: the gateway (flags, metrics and decision log on, nothing mirrored) against its peers.
import type { BenchContext, ScenarioResult } from '../bench-context.ts';
import { startGateway } from '../gateway-process.ts';
import { PEERS, type PeerName } from '../options.ts';
import { missingPeers, startPeer } from '../peers/start.ts';
import { atLeast, atMost, LOAD_COLUMNS, loadCells, ratioText } from '../report.ts';
import { errorsOf, type Measured, measureRounds, medianOf, ratio, type Target } from '../rounds.ts';

const PACKAGES: readonly PeerName[] = ['http-proxy', 'fastify', 'fast-gateway', 'hono'];
const NODE_PEERS: readonly string[] = [...PACKAGES, 'undici'];
/** A proxy this near to the upstream alone is held up by it, and faster than it looks. */
const UPSTREAM_BOUND = 0.8;

export async function benchForward(context: BenchContext): Promise<ScenarioResult> {
  const { options, processes, generate, say } = context;
  const upstream = context.legacy.ok ?? '';
  const skipped = missingPeers(context);
  const peers = PEERS.filter((peer) => options.peers.includes(peer) && !(peer in skipped));
  say(`1. forwarding: upstream alone, gateway, ${peers.join(', ')}`);
  const gateway = await startGateway('gateway', {
    ...context,
    legacy: upstream,
    new: context.new.ok ?? '',
    mirrorPercent: 0,
  });
  const targets: Target[] = [
    { name: 'upstream alone', address: upstream, running: undefined, warmsUp: false },
    { name: 'gateway', address: gateway.address, running: gateway.running, warmsUp: true },
  ];
  for (const peer of peers) targets.push(await startPeer(peer, context, upstream));
  const measured = await measureRounds(targets, {
    generate,
    load: { workload: 'order', seconds: options.seconds, connections: options.connections },
    rounds: options.rounds,
  });
  await processes.stopAllBut('upstream');
  return reportOf(measured, skipped);
}

function reportOf(measured: readonly Measured[], skipped: Readonly<Record<string, string>>): ScenarioResult {
  const named = (name: string) => measured.find(({ target }) => target.name === name);
  const gateway = named('gateway');
  const nginx = named('nginx');
  const bestNode = fastest(measured.filter(({ target }) => NODE_PEERS.includes(target.name)));
  const bestPackage = fastest(PACKAGES.map(named).filter((each) => each !== undefined));
  const rows = measured.map((each) => [
    each.target.name,
    ratioText(ratio(each, nginx, 'requestsPerSecond')),
    ratioText(ratio(each, bestNode, 'requestsPerSecond')),
    ...loadCells(each),
  ]);
  const vsNginx = ratio(gateway, nginx, 'requestsPerSecond');
  const wrong = measured.filter((each) => errorsOf(each) > 0);
  return {
    title: '1. Plain forwarding: GET, 300-byte JSON; gateway with flags, metrics and decision log on, no mirror',
    tables: [{ title: '', columns: ['x nginx', 'x best Node', ...LOAD_COLUMNS], rows }],
    budgets: [
      atLeast('gateway, x nginx', 0.45, vsNginx),
      atLeast('gateway, x nginx (beyond it)', 0.8, vsNginx),
      atLeast(
        `gateway, x the best Node peer (${bestNode?.target.name ?? 'none'})`,
        1.7,
        ratio(gateway, bestNode, 'requestsPerSecond'),
      ),
      atMost('gateway p99, x nginx', 2.5, ratio(gateway, nginx, 'p99Ms')?.median),
    ],
    notes: [
      ...Object.values(skipped),
      `against the best proxy package (${bestPackage?.target.name ?? 'none'}): ${ratioText(ratio(gateway, bestPackage, 'requestsPerSecond'))}; ` +
        '"undici" is the shortest proxy one can write and does none of a proxy\'s duties',
      ...(nginx || named('haproxy')
        ? ['nginx and haproxy run without an access log; the gateway writes one line a request']
        : []),
      ...boundNotes(measured, named('upstream alone')),
    ],
    data: measured,
    broken: wrong.filter(({ target }) => target === gateway?.target).map(() => 'the gateway answered with errors'),
  };
}

function fastest(measured: readonly Measured[]): Measured | undefined {
  const speed = (each: Measured) => medianOf(each, 'requestsPerSecond') ?? 0;
  return measured.reduce<Measured | undefined>(
    (best, each) => (best && speed(best) >= speed(each) ? best : each),
    undefined,
  );
}

function boundNotes(measured: readonly Measured[], direct: Measured | undefined): string[] {
  const limit = (direct && medianOf(direct, 'requestsPerSecond')) ?? Number.POSITIVE_INFINITY;
  return measured
    .filter((each) => each.target.running && (medianOf(each, 'requestsPerSecond') ?? 0) > UPSTREAM_BOUND * limit)
    .map(({ target }) => `${target.name} is held up by load and upstream, which are no faster: it could do more`);
}
