// Data jobs that bring writes to legacy: what their certificates say is acknowledged without a person.
import type { Certificates } from '../rollout/certificates.ts';
import type { CurrentSettings } from '../settings.ts';
import type { KeptWrites } from './kept-writes.ts';

const LOOK_INTERVAL_MS = 5_000;
/** The clocks of those who count and of those who certify may be so far apart. */
const CLOCKS_APART_MS = 60_000;

export interface WayBackDeps {
  readonly settings: CurrentSettings;
  readonly writes: Pick<KeptWrites, 'of' | 'acknowledge'>;
  /** Of several gateways one looks. */
  readonly leads: () => boolean;
  readonly now: () => Date;
  readonly raised: (operation: string, error: unknown) => void;
}

export interface WayBack {
  /** Looks now, as every few seconds. Never rejects. */
  look(): Promise<void>;
  close(): void;
}

export function watchWayBack({ settings, writes, leads, now, raised }: WayBackDeps): WayBack {
  async function lookAt(route: string, job: string, certificates: Certificates): Promise<void> {
    const { count, upTo, keys } = writes.of(route);
    const last = keys.at(-1);
    if (count === 0 || !last) return;
    const [certificate] = await certificates.of([job], now());
    const at = certificate?.at;
    // It says nothing of what was written later, and it cannot say up to which write it goes.
    if (at === undefined || Date.parse(at) < Date.parse(last.at) + CLOCKS_APART_MS) return;
    const reason = `legacy has got them, by the certificate of ${job} of ${at}`;
    await writes.acknowledge(route, upTo, { name: job, source: 'certificate', reason });
  }

  async function look(): Promise<void> {
    const { certificates, table } = settings.current;
    for (const route of leads() ? table.routes : []) {
      const { wayBack } = route.config.writes;
      if (wayBack === undefined) continue;
      await lookAt(route.id, wayBack, certificates).catch((error: unknown) => raised('writes.way_back', error));
    }
  }

  let isLooking = false; // A slow folder must not gather a queue of looks.
  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    void look().then(() => {
      isLooking = false;
    });
  }, LOOK_INTERVAL_MS).unref();
  return { look, close: () => clearInterval(timer) };
}
