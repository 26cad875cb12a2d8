// Runs a gateway as a process: configuration, log, signals, exit codes.
import { readFlagTokens } from '../config/flag-tokens.ts';
import { readCertificatesKey, readPinKey } from '../config/hmac-key.ts';
import { ConfigError, loadGatewayConfig, readOperatorSecrets, readSigningKeys } from '../config/load-gateway.ts';
import { readNotifyTargets } from '../config/notify-targets.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { createGatewayLog } from './request-log.ts';

/** After the delay and the drain, what still holds the process is not worth waiting for. */
const EXIT_TIMEOUT_MS = 20_000;

/** Serves until SIGTERM or SIGINT; SIGHUP reads the configuration anew. Resolves with the exit code: 0 after a clean stop, 1 on failure, 2 on a bad configuration. */
export async function serve(configFile: string): Promise<number> {
  let gateway: Gateway;
  let exitTimeoutMs = EXIT_TIMEOUT_MS;
  try {
    const config = loadGatewayConfig(configFile);
    exitTimeoutMs += config.shutdown.delayMs;
    const tokens = readOperatorSecrets(config, configFile);
    if (config.flags.provider === 'unleash') readFlagTokens(config.flags, configFile);
    readPinKey(config, configFile);
    readCertificatesKey(config, configFile);
    readNotifyTargets(config.notifications, configFile);
    readSigningKeys(config, configFile); // Each process that serves reads them for itself; a wrong one is refused here.
    const log = createGatewayLog({ level: config.log.level });
    gateway = await startGateway({ config, tokens, log, configFile });
  } catch (error) {
    console.error(error instanceof ConfigError ? error.message : `banyan: ${(error as Error).message}`);
    return error instanceof ConfigError ? 2 : 1;
  }
  console.log(JSON.stringify({ listening: gateway.listening }));
  process.on('SIGHUP', () => void gateway.reload());
  await stopSignal();
  setTimeout(() => process.exit(1), exitTimeoutMs).unref();
  await gateway.close();
  return 0;
}

/** The first one counts: they come twice when the whole group is signalled, and a second must not cut the drain short. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve());
  });
}
