// deploy/kubernetes/blue-green.sh against a stand-in of kubectl, which keeps what the Service selects and answers as it is told:
// there is no cluster here.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, it } from 'node:test';

const SCRIPT = join(import.meta.dirname, '..', '..', 'deploy/kubernetes/blue-green.sh');

/** Keeps the colour in a file; READY and RESTARTS say what it answers of the new pods, ROLLOUT how that ends. */
const KUBECTL = `#!/usr/bin/env bash
echo "$*" >>"$STATE/calls"
case "$*" in
*'get service backend'*) cat "$STATE/colour" ;;
*'patch service backend'*) case "$*" in *green*) echo -n green ;; *) echo -n blue ;; esac >"$STATE/colour" ;;
*'get deployment'*readyReplicas*) echo "3 $READY" ;;
*'get deployment'*) echo -n 3 ;;
*'rollout status'*) exit "$ROLLOUT" ;;
*'get pods'*)
  # The restarts that are told after the switch.
  if [ "$(cat "$STATE/colour")" = blue ]; then echo -n '0 0 0'; else echo -n "$RESTARTS"; fi ;;
esac
`;

function deploy(given: { serving?: string; ready?: string; restarts?: string; rollout?: string }) {
  const state = mkdtempSync(join(tmpdir(), 'banyan-kubectl-'));
  try {
    writeFileSync(join(state, 'kubectl'), KUBECTL);
    chmodSync(join(state, 'kubectl'), 0o755);
    writeFileSync(join(state, 'colour'), given.serving ?? 'blue');
    const { status } = spawnSync('bash', [SCRIPT, 'registry.example/backend@sha256:1'], {
      env: {
        ...{ PATH: `${state}${delimiter}${process.env.PATH}`, STATE: state, WATCH_SECONDS: '2', STEP_SECONDS: '1' },
        ...{ READY: given.ready ?? '3', RESTARTS: given.restarts ?? '0 0 0', ROLLOUT: given.rollout ?? '0' },
      },
    });
    return {
      status,
      serving: readFileSync(join(state, 'colour'), 'utf8'),
      calls: readFileSync(join(state, 'calls'), 'utf8'),
    };
  } finally {
    rmSync(state, { recursive: true });
  }
}

describe('a deployment of the new backend', () => {
  it('that becomes ready and stays so serves', () => {
    const { status, serving, calls } = deploy({});
    assert.deepEqual([status, serving], [0, 'green']);
    assert.match(calls, /set image deployment\/backend-green backend=registry\.example\/backend@sha256:1\n/);
    assert.doesNotMatch(calls, /(?:set image|scale) deployment\/backend-blue/);
  });

  it('that does not become ready is never switched to', () => {
    const { status, serving, calls } = deploy({ rollout: '1' });
    assert.deepEqual([status, serving], [1, 'blue']);
    assert.doesNotMatch(calls, /patch/);
  });

  it('that loses a replica after the switch is switched back', () => {
    assert.deepEqual((({ status, serving }) => [status, serving])(deploy({ ready: '2' })), [1, 'blue']);
  });

  it('whose container restarts after the switch is switched back', () => {
    assert.deepEqual((({ status, serving }) => [status, serving])(deploy({ restarts: '0 1 0' })), [1, 'blue']);
  });

  it('does nothing where the Service selects no colour', () => {
    const { status, calls } = deploy({ serving: 'backend' });
    assert.equal(status, 2);
    assert.doesNotMatch(calls, /patch|set image|scale/);
  });
});
