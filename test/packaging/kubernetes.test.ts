// The manifests by rules of our own; .ci/lint has them judged by kustomize and by Kubernetes' schemas.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { loadGatewayConfig } from '../../config/load-gateway.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'deploy/kubernetes');

const kustomization = z.object({ resources: z.array(z.string()) });
const probe = z.object({ httpGet: z.object({ path: z.string(), port: z.string() }) });
const container = z.object({
  name: z.string(),
  ports: z.array(z.object({ name: z.string() })),
  securityContext: z.object({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.object({ drop: z.tuple([z.literal('ALL')]) }),
  }),
  resources: z.object({
    requests: z.object({ cpu: z.string(), memory: z.string() }),
    limits: z.object({ memory: z.string() }),
  }),
  startupProbe: probe,
  readinessProbe: probe,
  livenessProbe: probe,
});
const workload = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    template: z.object({
      spec: z.object({
        automountServiceAccountToken: z.literal(false),
        terminationGracePeriodSeconds: z.number().min(30),
        securityContext: z.object({
          runAsNonRoot: z.literal(true),
          runAsUser: z.number().min(1),
          seccompProfile: z.object({ type: z.literal('RuntimeDefault') }),
        }),
        containers: z.tuple([container]),
      }),
    }),
  }),
});

const documents = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.yaml') && !file.endsWith('kustomization.yaml') && !file.endsWith('-config.yaml'))
  .flatMap((file) => parseAllDocuments(readFileSync(join(FOLDER, file), 'utf8')).map((each): unknown => each.toJS()));
const kindOf = (each: unknown) => z.object({ kind: z.string() }).parse(each).kind;
const workloads = documents.filter((each) => ['Deployment', 'StatefulSet'].includes(kindOf(each)));

describe('the manifests', () => {
  it('run both processes without rights, read-only, within limits, asked by three probes', () => {
    assert.equal(workloads.length, 2);
    for (const each of workloads) {
      const { metadata, spec } = workload.parse(each);
      const [{ ports, startupProbe, readinessProbe, livenessProbe }] = spec.template.spec.containers;
      for (const { httpGet } of [startupProbe, readinessProbe, livenessProbe]) {
        assert.ok(
          ports.some(({ name }) => name === httpGet.port),
          `${metadata.name}: ${httpGet.port}`,
        );
      }
    }
  });

  it('keep some replicas over evictions, and let nobody in who is not named', () => {
    const kinds = documents.map(kindOf);
    assert.equal(kinds.filter((kind) => kind === 'PodDisruptionBudget').length, 2);
    assert.equal(kinds.filter((kind) => kind === 'NetworkPolicy').length, 3);
    assert.ok(kinds.includes('HorizontalPodAutoscaler'));
  });

  it('are all in a kustomization, and each that one names is there', () => {
    for (const folder of ['.', 'blue', 'green', 'backend-colour']) {
      const { resources } = kustomization.parse(
        parse(readFileSync(join(FOLDER, folder, 'kustomization.yaml'), 'utf8')),
      );
      for (const resource of resources) assert.ok(existsSync(join(FOLDER, folder, resource)), `${folder}: ${resource}`);
    }
  });

  it('give the gateway a configuration that it takes', () => {
    assert.equal(loadGatewayConfig(join(FOLDER, 'gateway-config.yaml')).environment, 'production');
  });
});
