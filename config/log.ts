// The one logger and its redaction list.
import { type DestinationStream, destination, type Logger, pino } from 'pino';

export type { Logger };
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const STDERR = 2;

/** Names that hold a secret wherever they appear, at the top of a log object or one level down. */
const SECRET_NAMES = [
  'apiKey',
  'secretKey',
  'secret',
  'token',
  'password',
  'signature',
  'authorization',
  'cookie',
  '["set-cookie"]',
  '["x-mexc-apikey"]',
  '["X-MEXC-APIKEY"]',
];

const REDACT_PATHS = SECRET_NAMES.flatMap((name) =>
  name.startsWith('[') ? [name, `*${name}`, `headers${name}`] : [name, `*.${name}`],
);

/**
 * A pino logger writing JSON lines to stderr (stdout carries only the listening line), ISO times, secrets replaced.
 * Writing is asynchronous, so that a slow log reader cannot hold up a request; pino flushes what is left on exit.
 */
export function createLogger(options: { name: string; level: LogLevel; stream?: DestinationStream }): Logger {
  const stream = options.stream ?? destination({ dest: STDERR, sync: false });
  return pino(
    {
      name: options.name,
      level: options.level,
      redact: { paths: REDACT_PATHS, censor: '[redacted]' },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }), bindings: ({ name, pid }) => ({ name, pid }) },
    },
    stream,
  );
}
