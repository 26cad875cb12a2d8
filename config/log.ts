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

/** Where lines go; `write` takes whole lines and never waits. */
export type LogStream = DestinationStream;

/** Lines are written together when there are this many characters of them, or after this long. */
export const BATCH_CHARS = 65_536;
const FLUSH_MS = 100;
/** A reader that is slower than this drops lines rather than fill memory. */
const PENDING_CHARS_MAX = 16_777_216;

/** What a pipe takes whole, so that other processes that write to it cannot come between (PIPE_BUF on Linux). */
export const UNDIVIDED_CHARS_MAX = 4_096;

/** One for all loggers of the process, shared or not: each has a timer, and something to do when the process ends. */
const destinations = new Map<boolean, LogStream>();

/**
 * Standard error, written in batches off the caller's path; what is left is written when the process ends. `isShared`:
 * other processes log there too, and their lines must not mix.
 */
export function logDestination({ isShared = false } = {}): LogStream {
  const stream = destinations.get(isShared) ?? openDestination(isShared);
  destinations.set(isShared, stream);
  return stream;
}

function openDestination(isShared: boolean): LogStream {
  const stream = destination({
    dest: STDERR,
    sync: false,
    // A write may be longer than what it waits for, by a line at least: the library insists on it.
    ...(isShared
      ? { minLength: UNDIVIDED_CHARS_MAX - 1, maxWrite: UNDIVIDED_CHARS_MAX }
      : { minLength: BATCH_CHARS, maxWrite: 2 * BATCH_CHARS }),
    maxLength: PENDING_CHARS_MAX,
    periodicFlush: FLUSH_MS,
  });
  process.on('exit', () => {
    try {
      stream.flushSync();
    } catch {
      // Not open yet, or closed by its reader: there is nobody left to tell.
    }
  });
  return stream;
}

/**
 * A pino logger writing JSON lines to stderr (stdout carries only the listening line), ISO times, secrets replaced.
 * Writing is asynchronous, so that a slow log reader cannot hold up a request; pino flushes what is left on exit.
 */
export function createLogger(options: { name: string; level: LogLevel; stream?: DestinationStream }): Logger {
  const stream = options.stream ?? logDestination();
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
