// A gateway between two small backends, its console built, and a browser that is signed in.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { buildConsole } from '../../gateway/console/build.ts';
import { eventually } from '../helpers/deadline.ts';
import { OPERATOR_TOKEN, startTestGateway, TEST_OPERATOR, type TestGateway } from '../helpers/gateway.ts';
import { sendJson, startUpstream, type TestServer } from '../helpers/upstream.ts';
import { launchChromium } from './chromium.ts';

const WAIT_MS = 15_000;

export interface ConsoleFixture {
  readonly gateway: TestGateway;
  readonly browser: Browser;
  /** A page of a fresh browser profile, signed in; it fails the test when a script of it does. */
  open(path: string, options?: { readonly token?: string; readonly context?: BrowserContextOptions }): Promise<Page>;
  /** What scripts have thrown, and what the content security policy has refused, in all pages. */
  readonly complaints: readonly string[];
  /** Requests on a path through the gateway, one after the other. */
  send(path: string, count: number, headers?: Record<string, string>): Promise<void>;
  close(): Promise<void>;
}

export interface FixtureOptions {
  readonly routes: readonly unknown[];
  readonly legacyBody?: (path: string) => unknown;
  readonly newBody?: (path: string) => unknown;
  /** 200 unless it says otherwise. */
  readonly newStatus?: (path: string) => number;
  readonly now?: () => Date;
  /** `operator.links` of the configuration. */
  readonly links?: Readonly<Record<string, string>>;
  /** The folder that data jobs share with the gateway. */
  readonly certificates?: string;
  /** The folder that load comparisons are kept in. */
  readonly loadRuns?: string;
}

export async function startConsole(options: FixtureOptions): Promise<ConsoleFixture> {
  const {
    routes,
    legacyBody = () => ({ price: 1 }),
    newBody = legacyBody,
    links = {},
    certificates,
    loadRuns,
    now,
  } = options;
  const serve = (
    bodyOf: (path: string) => unknown,
    statusOf: (path: string) => number = () => 200,
  ): Promise<TestServer> =>
    startUpstream((incoming, outgoing) => {
      incoming.resume();
      sendJson(outgoing, statusOf(incoming.url ?? ''), bodyOf(incoming.url ?? ''));
    });
  const consoleDir = await mkdtemp(join(tmpdir(), 'banyan-console-'));
  const [legacy, fresh, browser] = await Promise.all([
    serve(legacyBody),
    serve(newBody, options.newStatus),
    launchChromium(),
    buildConsole(consoleDir),
  ]);
  const operator = { ...TEST_OPERATOR, links };
  const overrides = { operator, certificates, loadRuns };
  const gateway = await startTestGateway({
    legacy: legacy.url,
    new: fresh.url,
    routes,
    consoleDir,
    overrides,
    ...(now ? { now } : {}),
  });
  const complaints: string[] = [];
  return {
    gateway,
    browser,
    complaints,
    async open(path, { token = OPERATOR_TOKEN, context = {} } = {}) {
      const page = await (await browser.newContext({ viewport: { width: 1_280, height: 800 }, ...context })).newPage();
      page.setDefaultTimeout(WAIT_MS);
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => {
        if (/Content Security Policy|Uncaught/.test(message.text())) complaints.push(message.text());
      });
      await page.goto(`${gateway.operatorUrl}${path}`);
      await page.getByLabel('Operator token').fill(token);
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.getByRole('navigation', { name: 'Pages' }).waitFor();
      return page;
    },
    async send(path, count, headers = {}) {
      for (let n = 0; n < count; n++) await (await fetch(`${gateway.url}${path}`, { headers })).arrayBuffer();
    },
    async close() {
      await browser.close();
      await gateway.close();
      await legacy.close();
      await fresh.close();
      await rm(consoleDir, { recursive: true });
    },
  };
}

/** Waits until nothing that was chosen to be compared is under way any more, and answers the route's evidence. */
export async function compared(gateway: TestGateway, route: string, atLeast: number) {
  return eventually(async () => {
    const { body } = await gateway.api('GET', `/api/routes/${route}/comparisons`);
    return body.eligible >= atLeast && body.pending === 0 && body;
  }, `${atLeast} requests of ${route} to be compared`);
}

/** Moves a route by the API. */
export async function move(gateway: TestGateway, route: string, body: object): Promise<void> {
  const answer = await gateway.api(
    'PUT',
    `/api/routes/${route}/stage`,
    { reason: 'test', ...body },
    { 'if-match': '*' },
  );
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
}
