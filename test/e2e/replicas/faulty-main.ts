// A gateway whose process stops or dies at a moment of its writes to the ledger: node faulty-main.ts CONFIG [FAULT].
// FAULT is `SIGNAL WHEN OPERATION NUMBER`, such as `SIGKILL after recordMove 2`: at the second of them.
import { loadGatewayConfig, readOperatorSecrets } from '../../../config/load-gateway.ts';
import { startGateway } from '../../../gateway/gateway.ts';
import type { GatewayLedger } from '../../../gateway/ledger/ledger.ts';
import { openLedger } from '../../../gateway/ledger/open.ts';
import { createGatewayLog } from '../../../gateway/request-log.ts';

/** Short enough that a test can wait for another gateway to lead. */
const PACE = { lookMs: 100, leaseMs: 1_000 };

type Moment = `${'before' | 'after'} ${'put' | 'recordMove'}`;

function faultOf([signal, when, operation, number]: readonly string[]): (moment: Moment) => void {
  let left = Number(number);
  return (moment) => {
    if (moment === `${when} ${operation}` && --left === 0) process.kill(process.pid, signal as NodeJS.Signals);
  };
}

/** Only what the gateway that leads writes: operators' writes are not what dies here. */
function faulty(ledger: GatewayLedger, at: (moment: Moment) => void): GatewayLedger {
  const recordMove = ledger.recordMove.bind(ledger);
  ledger.recordMove = async (change, move) => {
    if (move.by.kind !== 'plan') return recordMove(change, move);
    at('before recordMove');
    const record = await recordMove(change, move);
    at('after recordMove');
    return record;
  };
  const { plans } = ledger;
  const put = plans.put.bind(plans);
  plans.put = async (change) => {
    if (change.token === undefined) return put(change);
    at('before put');
    const stored = await put(change);
    at('after put');
    return stored;
  };
  return ledger;
}

const [configFile = '', fault = ''] = process.argv.slice(2);
const config = loadGatewayConfig(configFile);
const gateway = await startGateway({
  config,
  tokens: readOperatorSecrets(config, configFile),
  log: createGatewayLog({ level: config.log.level }),
  openLedger: async (where, journal) => faulty(await openLedger(where, journal), faultOf(fault.split(' '))),
  pace: PACE,
});
console.log(JSON.stringify({ listening: gateway.listening }));
process.on('SIGTERM', () => void gateway.close().then(() => process.exit(0)));
