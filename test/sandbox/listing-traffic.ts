// A listing every few minutes, from its announcement to a late opening, and a target on paper that is armed for it.
import { setTimeout as delay } from 'node:timers/promises';

const EVERY_MS = 180_000;
/** From the announcement to the opening, and how late that is. */
const NOTICE_MS = 45_000;
const SLIP_MS = 400;
const TIMEOUT_MS = 5000;
const USER = 'sniper-demo';

export interface ListingTrafficOptions {
  /** host:port of the simulated exchange, and of the new backend. */
  readonly exchange: string;
  readonly backend: string;
  readonly say: (line: string) => void;
}

/** Starts at once. `stop` ends it between two requests. */
export function createListingTraffic({ exchange, backend, say }: ListingTrafficOptions): { stop(): Promise<void> } {
  const leaving = new AbortController();

  async function post(url: string, body: object): Promise<Record<string, unknown>> {
    const headers = { 'content-type': 'application/json' };
    const signal = AbortSignal.any([leaving.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal });
    if (!answer.ok) throw new Error(`${url}: HTTP ${answer.status}`);
    return (await answer.json()) as Record<string, unknown>; // A JSON object, from our own servers.
  }

  async function play(): Promise<void> {
    const nowMs = Date.now();
    const openMs = nowMs + NOTICE_MS;
    // A name of its own, however often the sandbox has run.
    const symbol = `N${Math.floor(nowMs / 1000)
      .toString(36)
      .toUpperCase()}USDT`;
    await post(`http://${exchange}/__control/listing`, {
      ...{ symbol, projectName: `Demo AI ${symbol}`, price: '0.25', pricePlaces: 4, quantityPlaces: 1 },
      ...{ announcedAtMs: nowMs, firstOpenTimeMs: openMs, slipMs: SLIP_MS },
      steps: [
        { atMs: nowMs, sts: 1, st: 1, tt: 0 },
        { atMs: openMs - 30_000, sts: 2, st: 1, tt: 0 },
        { atMs: openMs - 15_000, sts: 2, st: 2, tt: 4 },
      ],
    });
    const targets = `http://${backend}/api/sniper/targets`;
    const wanted = { user_id: USER, symbol, mode: 'paper', budget: '50', take_profit: '0.2', stop_loss: '0.1' };
    const { target_id: id } = await post(targets, wanted);
    await post(`${targets}/${USER}/${id}/arm`, {});
    say(`listing: ${symbol} opens in ${NOTICE_MS / 1000} s; a target on paper of ${USER} is armed`);
  }

  async function run(): Promise<void> {
    while (!leaving.signal.aborted) {
      try {
        await play();
      } catch (error) {
        if (!leaving.signal.aborted) say(`listing: ${error instanceof Error ? error.message : error}`);
      }
      await delay(EVERY_MS, undefined, { signal: leaving.signal }).catch(() => undefined);
    }
  }

  const running = run();
  return {
    async stop() {
      leaving.abort();
      await running;
    },
  };
}
