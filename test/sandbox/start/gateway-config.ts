import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';

export interface GatewayAddresses {
  /** host:port to listen on. */
  readonly traffic: string;
  readonly operator: string;
  /** host:port of the two backends. */
  readonly legacy: string;
  readonly new: string;
}

/**
 * Writes `source`, the shipped configuration, to the data folder with these addresses and with its state in that
 * folder; everything else, comments too, stays. Answers the new file's path.
 */
export function writeGatewayConfig(source: string, folder: string, addresses: GatewayAddresses): string {
  const document = parseDocument(readFileSync(source, 'utf8'));
  document.setIn(['listen'], addresses.traffic);
  document.setIn(['operator', 'listen'], addresses.operator);
  document.setIn(['upstreams', 'legacy', 'url'], `http://${addresses.legacy}`);
  document.setIn(['upstreams', 'new', 'url'], `http://${addresses.new}`);
  document.setIn(['flags', 'file'], join(folder, 'flags.json'));
  // The frontend is of another origin, which is not known yet where ports are free ones.
  document.setIn(['cors'], { origins: ['*'], expose: ['x-banyan-side'] });
  document.setIn(['certificates'], certificatesFolder(folder));
  document.setIn(['loadRuns'], join(folder, 'loadtest'));
  document.setIn(['ledger'], `sqlite:${join(folder, 'gateway.db')}`);
  const path = join(folder, 'gateway.yaml');
  writeFileSync(path, document.toString());
  return path;
}

const certificatesFolder = (folder: string): string => join(folder, 'certificates');

export interface JobAddresses {
  readonly databaseUrl: string;
  /** host:port */
  readonly dynamodb: string;
  readonly table: string;
}

/** Writes the environment of the data jobs against this sandbox, for a shell to read; answers the file's path. */
export function writeJobEnvironment(folder: string, { databaseUrl, dynamodb, table }: JobAddresses): string {
  const variables = {
    MIGRATION_SOURCE_URL: databaseUrl,
    MIGRATION_FOLDER: join(folder, 'migration'),
    MIGRATION_CERTIFICATES: certificatesFolder(folder),
    MIGRATION_SIGNING_KEY_FILE: secretFile(folder, 'certificates.key', ''),
    DYNAMODB_ENDPOINT: `http://${dynamodb}`,
    DYNAMODB_TABLE: table,
  };
  const path = join(folder, 'migration.env');
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}='${value}'\n`);
  writeFileSync(path, lines.join(''), { mode: 0o600 });
  return path;
}

/** The operator's token of this data folder. */
export function operatorToken(folder: string): string {
  return readFileSync(secretFile(folder, 'operator.token', ''), 'utf8').trim();
}

/** The file with the key that signs copies of writes; the gateway and the new backend read the same one. */
export function shadowKeysFile(folder: string): string {
  return secretFile(folder, 'shadow.keys', 'sandbox:');
}

/** A file with a secret behind `prefix`, made once and readable by its owner only. */
function secretFile(folder: string, name: string, prefix: string): string {
  const path = join(folder, name);
  if (!existsSync(path)) writeFileSync(path, prefix + randomBytes(24).toString('hex'), { mode: 0o600, flag: 'wx' });
  chmodSync(path, 0o600);
  return path;
}
