import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConfigError, parseGatewayConfig } from '../../config/load-gateway.ts';

const FILE = 'banyan.yaml';
const LEAST = `version: 1
listen: 127.0.0.1:8080
operator:
  listen: 127.0.0.1:8081
  tokens: [{ name: ops, role: admin, tokenEnv: OPS_TOKEN }]
upstreams:
  legacy: { url: http://127.0.0.1:8001 }
  new: { url: http://127.0.0.1:8002 }
flags: { provider: file, file: flags.json }
ledger: sqlite:gateway.db
`;

/** The lines that a configuration is refused with. */
function problemsOf(text: string): string[] {
  try {
    parseGatewayConfig(text, FILE);
  } catch (error) {
    assert.ok(error instanceof ConfigError, `expected a ConfigError, got ${error}`);
    assert.equal(error.problems.length, error.message.split('\n').length);
    return error.message.split('\n');
  }
  return [];
}

describe('a good file', () => {
  test('the least of one, then every default', () => {
    assert.deepEqual(parseGatewayConfig(`${LEAST}routes: [{ id: a, match: { methods: [get], path: /a } }]`, FILE), {
      version: 1,
      environment: 'default',
      listen: '127.0.0.1:8080',
      expose: false,
      operator: {
        listen: '127.0.0.1:8081',
        tokens: [{ name: 'ops', role: 'admin', tokenEnv: 'OPS_TOKEN' }],
        sessions: { idleMinutes: 60, hoursMax: 12 },
        links: {},
      },
      upstreams: {
        legacy: {
          url: 'http://127.0.0.1:8001',
          connections: 256,
          connectTimeoutMs: 3000,
          host: 'keep',
          verifiesShadow: false,
        },
        new: {
          url: 'http://127.0.0.1:8002',
          connections: 256,
          connectTimeoutMs: 3000,
          host: 'keep',
          verifiesShadow: false,
        },
      },
      flags: { provider: 'file', file: 'flags.json' },
      ledger: 'sqlite:gateway.db',
      ledgerJournal: 'state/ledger-journal',
      identity: ['address'],
      trustedProxies: [],
      forwarded: 'set',
      requestId: true,
      workers: 1,
      shutdown: { delayMs: 1_000 },
      tracing: { service: 'banyan', samplePercent: 100 },
      rateLimitStore: 'memory',
      trace: 'pass',
      mirror: {
        concurrency: 32,
        queueMax: 512,
        queueBytesMax: 33_554_432,
        compareCpuPercent: 15,
        backoff: true,
        idPairsMax: 100_000,
      },
      samples: { days: 7, secrets: 'remove' },
      limits: {
        headerBytesMax: 65_536,
        headerCountMax: 200,
        urlBytesMax: 16_384,
        connectionsMax: 20_000,
        requestsMax: 10_000,
        headerTimeoutMs: 10_000,
        bodyIdleTimeoutMs: 30_000,
        bodyBytesPerSecondMin: 240,
        idleTimeoutMs: 75_000,
      },
      log: { level: 'info' },
      notifications: [],
      plans: {},
      routes: [
        {
          id: 'a',
          match: { methods: ['GET'], path: '/a' },
          initialStage: 'legacy',
          timeoutMs: 30_000,
          retry: 'safe',
          redact: { headers: [], paths: [] },
          fallback: false,
          streams: { onFlip: 'pin', drainMs: 30_000, jitterMs: 5_000 },
          writes: { count: true },
          requires: [],
          guard: {
            enabled: true,
            samplesMin: 30,
            errorsIncreaseMax: 0.01,
            latencySamplesMin: 50,
            latencyRatioMax: 1.5,
            criticalMax: 0,
          },
          mirror: {
            ...{ samplePercent: 100, minimumPerHour: 60, bracketPercent: 5, ids: [] },
            ...{ writes: 'off', bodyBytesMax: 262_144, timeoutMs: 5_000 },
          },
          compare: {
            headers: ['content-type', 'location'],
            ignore: [],
            normalise: [],
            tolerate: [],
            enums: [],
            arrays: [],
            critical: [],
          },
        },
      ],
    });
  });

  test('no routes at all, then none: everything goes to legacy', () => {
    assert.deepEqual(parseGatewayConfig(LEAST, FILE).routes, []);
  });

  test('one anchor shared by hundreds of routes, then all of them have it', () => {
    const routes = Array.from({ length: 300 }, (_, index) => {
      const compare = index === 0 ? '&rules { critical: [status] }' : '*rules';
      return `  - { id: r${index}, match: { methods: [GET], path: /r${index} }, compare: ${compare} }`;
    });
    const config = parseGatewayConfig(`${LEAST}routes:\n${routes.join('\n')}\n`, FILE);
    assert.equal(config.routes.filter(({ compare }) => compare.critical[0] === 'status').length, 300);
  });
});

describe('a file with mistakes', () => {
  test('many kinds at once, then each with its place and what to do, from the top', () => {
    const text = `${LEAST.replace('127.0.0.1:8080', 'nope').replace('sqlite:', 'postgres:').replace('admin', 'king')}routs: []
mirror: { concurrency: 0, queueMax: 1000000 }
routes:
  - id: Trade
    match: { methods: [], path: api }
    timeoutMs: 1.5
    compare:
      ignore: [{ path: "$.a b", reason: known, owner: x }]
  - id: a.b
    match: { methods: [GET], path: /x }
    initialStage: canary
    timeoutMs: "10"
  - {}
  - id: unrouted
    match: { methods: [GET], path: /y }
    compare: { normalise: [{ path: $.x, as: money, reason: r, owner: o }], critical: $.x }
`;
    assert.deepEqual(problemsOf(text), [
      'banyan.yaml:2:9: listen: expected HOST:PORT, such as 127.0.0.1:8080 (port 0 takes any free port)',
      'banyan.yaml:5:31: operator.tokens[0].role: expected "viewer" or "operator" or "admin"',
      'banyan.yaml:10:9: ledger: expected sqlite:FILE, or the URL of a Redis that the gateways share',
      'banyan.yaml:11:1: routs: unknown key; remove it or correct its spelling',
      'banyan.yaml:12:24: mirror.concurrency: too small: expected at least 1',
      'banyan.yaml:12:37: mirror.queueMax: too big: expected at most 100000',
      'banyan.yaml:14:9: routes[0].id: expected a stable id such as trade.order.get',
      'banyan.yaml:15:14: routes[0].match.methods: too small: expected at least 1 member(s)',
      'banyan.yaml:15:33: routes[0].match.path: expected a path that starts with /',
      'banyan.yaml:16:16: routes[0].timeoutMs: expected a whole number',
      "banyan.yaml:18:24: routes[0].compare.ignore[0].path: expected . or [ (other names are written ['like this']) at character 4",
      'banyan.yaml:21:19: routes[1].initialStage: expected "legacy" or "shadow" or "live" or "complete"',
      'banyan.yaml:22:16: routes[1].timeoutMs: expected a number',
      'banyan.yaml:23:5: routes[2].id: missing; expected a text',
      'banyan.yaml:23:5: routes[2].match: missing; expected a mapping',
      'banyan.yaml:24:9: routes[3].id: this id is reserved',
      'banyan.yaml:26:45: routes[3].compare.normalise[0].as: expected "number" or "timestamp" or "null-as-absent"',
      'banyan.yaml:26:86: routes[3].compare.critical: expected a list',
    ]);
  });

  test('an empty reason or a day that does not exist, then what a rule must say', () => {
    const rule = '{ path: $.x, reason: "", owner: "", expires: 2026-02-30 }';
    const text = `${LEAST}routes: [{ id: a, match: { methods: [GET], path: /a }, compare: { ignore: [${rule}] } }]`;
    assert.deepEqual(problemsOf(text), [
      'banyan.yaml:11:97: routes[0].compare.ignore[0].reason: must not be empty',
      'banyan.yaml:11:108: routes[0].compare.ignore[0].owner: must not be empty',
      'banyan.yaml:11:121: routes[0].compare.ignore[0].expires: expected a day of the calendar as YYYY-MM-DD',
    ]);
  });

  test('addresses, ports and URLs that cannot be, then what each should look like', () => {
    const text = LEAST.replace('version: 1', 'version: 2')
      .replace('127.0.0.1:8081', '127.0.0.1:65536')
      .replace('http://127.0.0.1:8001', 'ftp://host')
      .replace('http://127.0.0.1:8002', 'http://u:p@host/x');
    assert.deepEqual(problemsOf(text), [
      'banyan.yaml:1:10: version: expected 1',
      'banyan.yaml:4:11: operator.listen: expected HOST:PORT, such as 127.0.0.1:8080 (port 0 takes any free port)',
      'banyan.yaml:7:18: upstreams.legacy.url: expected a URL such as http://127.0.0.1:8001',
      'banyan.yaml:8:15: upstreams.new.url: expected an origin without a path',
      'banyan.yaml:8:15: upstreams.new.url: expected an origin without credentials or a query',
    ]);
  });

  for (const [what, text] of [
    ['an empty file', ''],
    ['only a comment', '# nothing yet\n'],
  ] as const) {
    test(`${what}, then everything that is missing`, () => {
      assert.deepEqual(problemsOf(text), [
        'banyan.yaml:1:1: version: expected 1',
        'banyan.yaml:1:1: listen: missing; expected a text',
        'banyan.yaml:1:1: operator: missing; expected a mapping',
        'banyan.yaml:1:1: upstreams: missing; expected a mapping',
        'banyan.yaml:1:1: flags: missing; expected a mapping',
        'banyan.yaml:1:1: ledger: missing; expected a text',
      ]);
    });
  }

  for (const text of ['- 1\n', 'hello\n', '42\n']) {
    test(`${JSON.stringify(text)} instead of a mapping, then says so`, () => {
      assert.deepEqual(problemsOf(text), ['banyan.yaml:1:1: expected a mapping']);
    });
  }
});

describe('paths to be redacted', () => {
  test('that are none, or lead into no body, then each is said with its place', () => {
    const text = `${LEAST}routes:
  - { id: a, match: { methods: [GET], path: /x }, redact: { paths: [user.name, status] } }
`;
    assert.deepEqual(problemsOf(text), [
      'banyan.yaml:12:69: routes[0].redact.paths[0]: expected "status", "header:NAME", "body:line[*]" or a path such as $.fills[*].fee, $..price or $.orders[?order_id].status',
      'banyan.yaml:12:80: routes[0].redact.paths[1]: expected a path in a JSON body such as $.user.name or $..address',
    ]);
  });
});

describe('cross checks', () => {
  test('ids and matches twice and an array rule without a way, then each at the later place', () => {
    const text = `${LEAST}routes:
  - { id: a, match: { methods: [GET, "*"], path: /x } }
  - { id: a, match: { methods: [get], path: /x }, compare: { arrays: [{ path: $.x, reason: r, owner: o }] } }
`;
    assert.deepEqual(problemsOf(text), [
      'banyan.yaml:13:11: routes[1].id: already the id of routes[0]; ids are unique',
      'banyan.yaml:13:14: routes[1].match: GET /x is already matched by route a',
      'banyan.yaml:13:71: routes[1].compare.arrays[0]: give "key: FIELD", "unordered: true", or both',
    ]);
  });

  test('paths in bodies that are none, or that say more than a place, then what to write instead', () => {
    const text = `${LEAST}routes:
  - { id: a, match: { methods: [GET], path: /x }, redact: { paths: [nonsense, status] }, mirror: { ids: [{ name: o, path: "$.a[?@.b == 1]" }] } }
`;
    const shapes =
      'expected "status", "header:NAME", "body:line[*]" or a path such as $.fills[*].fee, $..price or $.orders[?order_id].status';
    assert.deepEqual(problemsOf(text), [
      `banyan.yaml:12:69: routes[0].redact.paths[0]: ${shapes}`,
      'banyan.yaml:12:79: routes[0].redact.paths[1]: expected a path in a JSON body such as $.user.name or $..address',
      'banyan.yaml:12:123: routes[0].mirror.ids[0].path: ids are found by their place alone: write the path without a filter',
    ]);
  });

  test('a mapped id at a parameter that the path lacks, then at that parameter', () => {
    const text = `${LEAST}routes:
  - { id: a, match: { methods: [GET], path: '/x/:id{[0-9]+}/:leg?' }, mirror: { ids: [{ name: o, param: id }, { name: o, param: leg }, { name: o, param: order }] } }
`;
    assert.deepEqual(problemsOf(text), [
      'banyan.yaml:12:154: routes[0].mirror.ids[2].param: /x/:id{[0-9]+}/:leg? has no parameter :order',
    ]);
  });

  test('a mistake elsewhere in the file, then they are still reported with it', () => {
    const text = `${LEAST}expose: perhaps
routes:
  - { id: a, match: { methods: [GET], path: /x } }
  - { id: b, match: { methods: [], path: /x } }
  - { id: a, match: { methods: [GET], path: /y } }
`;
    assert.deepEqual(problemsOf(text), [
      'banyan.yaml:11:9: expose: expected a boolean',
      'banyan.yaml:14:23: routes[1].match.methods: too small: expected at least 1 member(s)',
      'banyan.yaml:15:11: routes[2].id: already the id of routes[0]; ids are unique',
    ]);
  });

  test('a dry run without a key on a route that is wrong elsewhere, then both are reported', () => {
    const text = `${LEAST}routes:
  - { id: a, match: { methods: [POST], path: x }, mirror: { writes: dry-run } }
`;
    assert.deepEqual(
      problemsOf(text).map((problem) => problem.split(': ')[1]),
      ['routes[0].match.path', 'routes[0].mirror.writes', 'routes[0].mirror.writes'],
    );
  });

  test('the same path with other methods, then both routes stand', () => {
    const text = `${LEAST}routes:
  - { id: a, match: { methods: [GET], path: /x } }
  - { id: b, match: { methods: [POST], path: /x } }
`;
    assert.deepEqual(problemsOf(text), []);
  });
});

describe('YAML that cannot be read', () => {
  test('a key given twice, then the second place', () => {
    assert.deepEqual(problemsOf(`${LEAST}listen: 127.0.0.1:1\n`), [
      'banyan.yaml:11:1: not valid YAML: Map keys must be unique',
    ]);
  });

  test('several syntax errors, then all of them', () => {
    const problems = problemsOf(`${LEAST}a: [1,\nb: "x`);
    assert.equal(problems.length, 2);
    for (const problem of problems) assert.match(problem, /^banyan\.yaml:12:\d+: not valid YAML: ./);
  });

  test('a tab as indentation, then its place', () => {
    assert.deepEqual(problemsOf(`${LEAST}\texpose: true\n`), [
      'banyan.yaml:11:1: not valid YAML: Tabs are not allowed as indentation',
    ]);
  });

  test('an alias without its anchor, then its place', () => {
    assert.deepEqual(problemsOf(`${LEAST}routes:\n  - *nope\n`), [
      'banyan.yaml:12:5: not valid YAML: the alias *nope has no anchor before it; add &nope or remove the alias',
    ]);
  });

  test('aliases that multiply without end, then a refusal instead of a full memory', () => {
    const levels = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i},`.repeat(9)}]`).join('\n');
    const problems = problemsOf(`${LEAST}l0: &l0 [x]\n${levels}\n`);
    assert.deepEqual(problems, [
      'banyan.yaml:1:1: not valid YAML: Excessive alias count indicates a resource exhaustion attack',
    ]);
  });
});

describe('comparing of streams', () => {
  const withCompare = (compare: string) =>
    `${LEAST}routes:\n  - { id: a, match: { methods: [GET], path: /x }, streams: { compare: ${compare} } }\n`;

  test('a key of names, in any spelling, stands', () => {
    assert.deepEqual(problemsOf(withCompare('{ key: [$.type, "$.data[\'id\']"] }')), []);
    assert.deepEqual(problemsOf(withCompare('{}')), []);
  });

  for (const path of ['status', '$', '$..id', '$.a[*]', "$['a','b']", 'header:x', '$.a[?@.b]'])
    test(`a key of ${path}, which names no single place, is refused`, () => {
      assert.deepEqual(problemsOf(withCompare(`{ key: [${JSON.stringify(path)}] }`)), [
        'banyan.yaml:12:79: routes[0].streams.compare.key[0]: expected a path of names only, such as $.type or $.data.id',
      ]);
    });
});

describe('plans', () => {
  const aPlan = (steps: string) => `${LEAST}plans: { own: { steps: [${steps}] } }\n`;

  test('in order, then taken, with the defaults of gates', () => {
    const steps = '{ stage: shadow }, { stage: canary, percent: 5, gates: [parity] }, { stage: live }';
    const { own } = parseGatewayConfig(`${aPlan(steps)}routes: []`, FILE).plans;
    assert.deepEqual([own?.mode, own?.steps.length, own?.gates.parity.lowerBoundMin], ['act', 3, 0.999]);
  });

  test('not in order, without a share, or named by nobody who described them, then said so', () => {
    const order = problemsOf(aPlan('{ stage: canary, percent: 50 }, { stage: canary, percent: 5 }, { stage: canary }'));
    assert.match(order.join('\n'), /a plan begins with shadow/);
    assert.match(order.join('\n'), /plans\.own\.steps\[1\]: must be further than the step before it/);
    assert.match(order.join('\n'), /a canary needs "percent", and nothing else has it/);
    const route = 'routes: [{ id: a, match: { methods: [get], path: /a }, plan: other, requires: [orders] }]';
    assert.deepEqual(
      problemsOf(`${LEAST}${route}`).map((line) => line.replace(/^[^ ]+ /, '')),
      [
        'routes[0].plan: no plan is called other; there are standard',
        'routes[0].requires: needs a folder to look in; give certificates',
      ],
    );
  });
});

describe("the operators' part", () => {
  const withOperator = (operator: string) => LEAST.replace(/^operator:\n.*\n.*$/m, `operator: ${operator}`);
  const TOKENS = 'tokens: [{ name: ops, role: admin, tokenEnv: OPS_TOKEN }]';
  const OIDC = 'oidc: { issuer: "https://id.example", clientId: banyan, roles: { ops: admin } }';

  const refused: readonly (readonly [what: string, operator: string, message: RegExp])[] = [
    [
      'nobody could sign in',
      '{ listen: "127.0.0.1:8081" }',
      /operator\.tokens: nobody could sign in: give a token, or oidc/,
    ],
    [
      'open to the network in the clear',
      `{ listen: "0.0.0.0:8081", ${TOKENS} }`,
      /operator\.listen: tokens would cross/,
    ],
    ['by a name', `{ listen: "banyan.example:8081", ${TOKENS} }`, /operator\.listen: tokens would cross the network/],
    ['IPv6, any', `{ listen: "[::]:8081", ${TOKENS} }`, /operator\.listen: tokens would cross the network/],
    [
      'a public address without https',
      `{ listen: "0.0.0.0:8081", publicUrl: "http://banyan.example", ${TOKENS} }`,
      /operator\.publicUrl: expected https/,
    ],
    [
      'a public address with a path',
      `{ listen: "127.0.0.1:8081", publicUrl: "https://banyan.example/x", ${TOKENS} }`,
      /operator\.publicUrl: expected an origin without a path/,
    ],
    [
      'a provider that would send browsers back nowhere',
      `{ listen: "0.0.0.0:8081", tls: { cert: a, key: b }, ${OIDC} }`,
      /operator\.publicUrl: missing; the OpenID provider sends/,
    ],
    [
      'a provider without https',
      `{ listen: "127.0.0.1:8081", ${OIDC.replace('https:', 'http:')} }`,
      /operator\.oidc\.issuer: expected https/,
    ],
    [
      'a token that is nowhere',
      '{ listen: "127.0.0.1:8081", tokens: [{ name: ops, role: admin }] }',
      /operator\.tokens\[0\]: give tokenEnv or tokenSha256/,
    ],
    [
      'a digest that is none',
      '{ listen: "127.0.0.1:8081", tokens: [{ name: ops, role: admin, tokenSha256: secret }] }',
      /operator\.tokens\[0\]\.tokenSha256: expected the 64 hexadecimal digits/,
    ],
  ];
  for (const [what, operator, message] of refused) {
    test(`${what}, then refused by the name of the setting`, () => {
      assert.throws(() => parseGatewayConfig(withOperator(operator), FILE), message);
    });
  }

  const taken: readonly (readonly [what: string, operator: string])[] = [
    ['this machine', `{ listen: "localhost:8081", ${TOKENS} }`],
    ['this machine, IPv6', `{ listen: "[::1]:8081", ${TOKENS} }`],
    ['the network, with TLS', `{ listen: "0.0.0.0:8081", tls: { cert: a, key: b }, ${TOKENS} }`],
    ['the network, behind a proxy', `{ listen: "0.0.0.0:8081", publicUrl: "https://banyan.example", ${TOKENS} }`],
    ['a published port', `{ listen: "0.0.0.0:8081", publicUrl: "http://localhost:8081", ${TOKENS} }`],
    ['people only', `{ listen: "127.0.0.1:8081", ${OIDC} }`],
  ];
  for (const [what, operator] of taken) {
    test(`${what}, then taken`, () => {
      assert.equal(typeof parseGatewayConfig(withOperator(operator), FILE).operator.listen, 'string');
    });
  }
});
