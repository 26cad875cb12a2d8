import { join } from 'node:path';
import type { Sandbox } from './sandbox.ts';

/** What to open and what to try first. */
export function welcome(
  { listening, databaseUrl, gatewayConfig, jobEnvironment }: Sandbox,
  { dataDir, tookMs }: { dataDir: string; tookMs: number },
): string {
  const token = join(dataDir, 'operator.token');
  const places = [
    ['gateway', listening.traffic],
    ['console', listening.operator],
    ['frontend', listening.frontend],
    ['legacy', listening.legacy],
    ['new', listening.new],
    ['exchange', listening.exchange],
    ['geyser', listening.geyser],
    ['dynamodb', listening.dynamodb],
    ['solana', listening.solana],
  ].flatMap(([name, address]) => (address === undefined ? [] : [`  ${name?.padEnd(10)} http://${address}`]));
  const start = `BANYAN_OPERATOR_TOKEN=$(cat ${token}) npm run gateway -- --config ${gatewayConfig}`;
  const next =
    listening.traffic === undefined
      ? ['The gateway is left to you:', `  ${start}`]
      : [
          `Sign in to the console with the token in ${token}. Try, in another shell:`,
          `  curl -i http://${listening.traffic}/api/market/ticker/BTCUSDT`,
          `  export BANYAN_OPERATOR_TOKEN=$(cat ${token}) BANYAN_URL=http://${listening.operator}`,
          '  npx banyan routes',
          '  npx banyan stage market.ticker shadow --reason "a first look"',
          '  npx banyan diffs market.ticker',
          `  . ${jobEnvironment} && for step in setup plan run; do npm run migrate -- $step positions; done`,
        ];
  return [
    `The sandbox is ready after ${(tookMs / 1000).toFixed(1)} s; Ctrl-C stops it. Logs are in ${join(dataDir, 'logs')}.`,
    ...places,
    `  ${'postgres'.padEnd(10)} ${databaseUrl}`,
    `  ${'redis'.padEnd(10)} redis://${listening.redis}`,
    ...next,
  ].join('\n');
}
