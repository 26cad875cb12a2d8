// Bringing the table to what is wanted, without ever taking anything away: safe to run again and on a table with data. Each step
// is looked up first and its outcome told, so that a run that changes nothing says so.
import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  type TableDescription,
  UpdateContinuousBackupsCommand,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { TTL } from './keys.ts';
import { createTable, TABLE, waitUntilUsable } from './table.ts';

/** What a consumer of changes (the way back of a migration) needs of each. */
const STREAM_VIEW = 'NEW_AND_OLD_IMAGES';

/**
 * created, changed: done now. present: it was so already. wanted: would be done, were it not only looked at. refused: the server
 * cannot, with its reason (stand-ins lack some of it); on AWS that is a missing permission.
 */
export type StepResult = {
  readonly step: 'table' | 'index' | 'expiry' | 'recovery' | 'stream';
  readonly name: string;
  readonly outcome: 'created' | 'changed' | 'present' | 'wanted' | 'refused';
  readonly detail?: string;
};

export type SetupOptions = {
  readonly table: string;
  /** Looks and tells, and changes nothing. */
  readonly dryRun: boolean;
  /** Streams cost by what is read of them, and a backfill floods them: on only when asked for. */
  readonly stream: boolean;
};

type Step = Omit<StepResult, 'outcome' | 'detail'>;
const errorText = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

async function describe(client: DynamoDBClient, name: string): Promise<TableDescription> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: name }));
  if (!Table) throw new Error(`table ${name} is not described`);
  return Table;
}

/** Does what is missing, unless it is only looked at; a server that refuses is a result. */
async function ensure(
  step: Step,
  isPresent: () => Promise<boolean>,
  { dryRun, change }: { dryRun: boolean; change: () => Promise<void> },
): Promise<StepResult> {
  try {
    if (await isPresent()) return { ...step, outcome: 'present' };
    if (dryRun) return { ...step, outcome: 'wanted' };
    await change();
    return { ...step, outcome: 'changed' };
  } catch (error) {
    return { ...step, outcome: 'refused', detail: errorText(error) };
  }
}

/** Indexes that the table lacks, one after the other: DynamoDB makes one at a time, and filling one takes as long as it takes. */
async function ensureIndexes(client: DynamoDBClient, { table, dryRun }: SetupOptions): Promise<StepResult[]> {
  const results: StepResult[] = [];
  for (const index of TABLE.GlobalSecondaryIndexes) {
    const step = { step: 'index', name: index.IndexName } as const;
    const isPresent = async () =>
      (await describe(client, table)).GlobalSecondaryIndexes?.some((each) => each.IndexName === index.IndexName) ??
      false;
    const change = async () => {
      const GlobalSecondaryIndexUpdates = [{ Create: index }];
      const { AttributeDefinitions } = TABLE;
      await client.send(
        new UpdateTableCommand({ TableName: table, AttributeDefinitions, GlobalSecondaryIndexUpdates }),
      );
      await waitUntilUsable(client, table, index.IndexName);
    };
    results.push(await ensure(step, isPresent, { dryRun, change }));
  }
  return results;
}

function ensureExpiry(client: DynamoDBClient, { table, dryRun }: SetupOptions): Promise<StepResult> {
  const isPresent = async () => {
    const { TimeToLiveDescription: found } = await client.send(new DescribeTimeToLiveCommand({ TableName: table }));
    const { TimeToLiveStatus: status, AttributeName: attribute } = found ?? {};
    const isOn = status === 'ENABLED' || status === 'ENABLING';
    // It can be moved only by turning it off first, which an hour must pass after: not for a script to decide.
    if (isOn && attribute !== TTL) throw new Error(`expiry is by ${attribute}, not by ${TTL}; turn it off first`);
    return isOn;
  };
  const TimeToLiveSpecification = { AttributeName: TTL, Enabled: true };
  const change = async () => {
    await client.send(new UpdateTimeToLiveCommand({ TableName: table, TimeToLiveSpecification }));
  };
  return ensure({ step: 'expiry', name: TTL }, isPresent, { dryRun, change });
}

function ensureRecovery(client: DynamoDBClient, { table, dryRun }: SetupOptions): Promise<StepResult> {
  const isPresent = async () => {
    const answer = await client.send(new DescribeContinuousBackupsCommand({ TableName: table }));
    const found = answer.ContinuousBackupsDescription?.PointInTimeRecoveryDescription;
    return found?.PointInTimeRecoveryStatus === 'ENABLED';
  };
  const PointInTimeRecoverySpecification = { PointInTimeRecoveryEnabled: true };
  const change = async () => {
    await client.send(new UpdateContinuousBackupsCommand({ TableName: table, PointInTimeRecoverySpecification }));
  };
  return ensure({ step: 'recovery', name: 'point in time' }, isPresent, { dryRun, change });
}

function ensureStream(client: DynamoDBClient, { table, dryRun }: SetupOptions): Promise<StepResult> {
  const isPresent = async () => {
    const { StreamSpecification: found } = await describe(client, table);
    if (found?.StreamEnabled && found.StreamViewType !== STREAM_VIEW) {
      throw new Error(`there is a stream of ${found.StreamViewType}, which somebody may be reading; turn it off first`);
    }
    return found?.StreamEnabled ?? false;
  };
  const change = async () => {
    const StreamSpecification = { StreamEnabled: true, StreamViewType: STREAM_VIEW } as const;
    await client.send(new UpdateTableCommand({ TableName: table, StreamSpecification }));
    await waitUntilUsable(client, table);
  };
  return ensure({ step: 'stream', name: STREAM_VIEW }, isPresent, { dryRun, change });
}

/** Rejects when there is a table of that name which cannot be used, with what is wrong. */
export async function setUpTable(client: DynamoDBClient, options: SetupOptions): Promise<readonly StepResult[]> {
  const { table, dryRun, stream } = options;
  const step = { step: 'table', name: table } as const;
  const made = await createTable(client, table, dryRun);
  if (made === 'wanted') return [{ ...step, outcome: 'wanted' }];
  if (made === 'created') await waitUntilUsable(client, table);
  const results: StepResult[] = [{ ...step, outcome: made }, ...(await ensureIndexes(client, options))];
  results.push(await ensureExpiry(client, options), await ensureRecovery(client, options));
  if (stream) results.push(await ensureStream(client, options));
  const isWhole = results.every(({ step, outcome }) => step !== 'index' || outcome !== 'refused');
  if (!dryRun && isWhole) await waitUntilUsable(client, table);
  return results;
}
