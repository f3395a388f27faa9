// The Helm chart without a cluster: rendered, checked against the schemas of Kubernetes, and held to what an ingress with a journal needs.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { runCli } from '../support/cli.ts';
import { repositoryRoot } from '../support/repository.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { dashboardsFolder, readDashboards } from './support/dashboards.ts';
import { complaints, type Linter, linter, runLinter } from './support/linters.ts';
import { knownOptions } from './support/options.ts';

const ROLES = ['ingress', 'pricer', 'writer', 'registry'];
const chart = join(repositoryRoot, 'deploy', 'helm', 'tokenledger');
/** The oldest that Chart.yaml asks for, and the newest that the checker knows. */
const KUBERNETES_VERSIONS = ['1.27', '1.37'];
/** Kinds of the Prometheus operator: Kubernetes has no schema for them. */
const OPERATOR_KINDS = ['ServiceMonitor', 'PrometheusRule'];
/** Stands for whatever a Secret holds. */
const SECRET_VALUE = 'a-value-from-a-secret-of-32-characters-or-more';

const EVERYTHING = {
  secretFiles: ['kafka-tls'],
  imagePullSecrets: [{ name: 'pull' }],
  networkPolicy: { workloads: { namespaces: ['apps', 'agents'], extraEgress: [{ to: [{ ipBlock: { cidr: '192.0.2.0/24' } }] }] } },
  serviceMonitor: { enabled: true, labels: { release: 'monitoring' } },
  prometheusRule: { enabled: true },
  grafanaDashboards: { enabled: true },
};

interface Peer {
  readonly ipBlock?: { readonly cidr: string };
  readonly podSelector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  readonly namespaceSelector?: object;
}

interface Container {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: object }[];
  readonly livenessProbe?: { readonly httpGet: { readonly path: string; readonly port: string } };
  readonly readinessProbe?: { readonly httpGet: { readonly path: string; readonly port: string } };
  readonly securityContext: { readonly readOnlyRootFilesystem: boolean; readonly allowPrivilegeEscalation: boolean };
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: {
    readonly replicas?: number;
    readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly terminationGracePeriodSeconds?: number;
        readonly enableServiceLinks: boolean;
        readonly topologySpreadConstraints?: readonly { readonly topologyKey: string }[];
        readonly containers: readonly [Container];
      };
    };
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
    readonly egress?: readonly { readonly to: readonly Peer[] }[];
    readonly podSelector?: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly policyTypes?: readonly string[];
    readonly groups?: readonly { readonly name: string }[];
  };
}

let folder: TempDir;
let helm: Linter;

beforeAll(async () => {
  folder = await makeTempDir('chart');
  helm = await linter('helm');
});
afterAll(() => folder[Symbol.asyncDispose]());

interface Rendering {
  readonly file: string;
  readonly manifests: readonly Manifest[];
  of(kind: string, name: string): Manifest;
}

async function render(ready: Linter & { readonly kind: 'ready' }, values: object): Promise<Rendering> {
  const given = join(folder.path, 'values.json');
  await writeFile(given, JSON.stringify(values));
  const { code, stdout, output } = await runLinter(ready, ['template', 'ledger', chart, '--namespace', 'tokenledger', '--values', given]);
  expect(code === 0 ? '' : output).toBe('');
  const manifests = parseAllDocuments(stdout).flatMap((document): readonly Manifest[] => {
    const value: unknown = document.toJS();
    return value === null ? [] : [value as Manifest];
  });
  const native = manifests.filter(({ kind }) => !OPERATOR_KINDS.includes(kind));
  const file = join(folder.path, 'rendered.yaml');
  await writeFile(file, native.map((manifest) => `---\n${JSON.stringify(manifest)}\n`).join(''));
  return {
    file,
    manifests,
    of(kind, name) {
      const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
      if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
      return found;
    },
  };
}

const workloads = ({ manifests }: Rendering): readonly Manifest[] =>
  manifests.filter(({ kind }) => ['StatefulSet', 'Deployment', 'Job'].includes(kind));
const containerOf = ({ spec }: Manifest): Container => spec.template.spec.containers[0];

describe('Helm', () => {
  test('finds nothing to complain about', async ({ skip }) => {
    if (helm.kind === 'missing') return skip(helm.reason);
    const linted = await runLinter(helm, ['lint', '--strict', chart]);
    expect(complaints(linted)).toBe('');
  });

  test.for([
    { colour: 'blue' },
    { ingress: { replicas: 0 } },
    { ingress: { persistence: { size: 'big' } } },
    { config: { kafka: 'brokers' } },
  ])('refuses the values %j', async (values, { skip }) => {
    if (helm.kind === 'missing') return skip(helm.reason);
    const given = join(folder.path, 'wrong.json');
    await writeFile(given, JSON.stringify(values));
    const { output } = await runLinter(helm, ['template', 'ledger', chart, '--values', given]);
    expect(output).toMatch(/values don't meet the specifications of the schema/);
  });

  const renderings = [
    { what: 'the defaults', values: {} },
    { what: 'everything on', values: EVERYTHING },
  ];
  test.for(KUBERNETES_VERSIONS.flatMap((version) => renderings.map((rendering) => ({ version, ...rendering }))))(
    'renders what Kubernetes $version takes, with $what',
    async ({ version, values }, { skip }) => {
      const checker = await linter('kubernetes-validate');
      if (helm.kind === 'missing') return skip(helm.reason);
      if (checker.kind === 'missing') return skip(checker.reason);
      const { file, manifests } = await render(helm, values);
      expect(manifests.length).toBeGreaterThan(15);
      const checked = await runLinter(checker, ['--strict', '--quiet', '--kubernetes-version', version, file]);
      expect(complaints(checked)).toBe('');
    },
  );

  test('a field that Kubernetes does not have is found', async ({ skip }) => {
    const checker = await linter('kubernetes-validate');
    if (checker.kind === 'missing') return skip(checker.reason);
    const file = join(folder.path, 'misspelt.yaml');
    await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, dota: {} }));
    expect((await runLinter(checker, ['--strict', file])).output).toContain('dota');
  });
});

describe('pods', () => {
  test.for(ROLES)('%s: probed on the admin port, unprivileged, spread out, with an end that may be awaited', async (role, { skip }) => {
    if (helm.kind === 'missing') return skip(helm.reason);
    const rendering = await render(helm, {});
    const workload = rendering.of(role === 'ingress' ? 'StatefulSet' : 'Deployment', `ledger-tokenledger-${role}`);
    const container = containerOf(workload);
    const pod = workload.spec.template.spec;
    expect(container.args).toEqual(['run', '--roles', role]);
    expect([container.livenessProbe?.httpGet, container.readinessProbe?.httpGet]).toEqual([
      { path: '/healthz', port: 'admin' },
      { path: '/readyz', port: 'admin' },
    ]);
    expect(container.securityContext).toMatchObject({ readOnlyRootFilesystem: true, allowPrivilegeEscalation: false });
    expect(pod.enableServiceLinks).toBe(false);
    expect(pod.topologySpreadConstraints?.map(({ topologyKey }) => topologyKey)).toEqual([
      'topology.kubernetes.io/zone',
      'kubernetes.io/hostname',
    ]);
    const stopMs = Number(container.env?.find(({ name }) => name === 'TOKENLEDGER_SHUTDOWN_TIMEOUT_MS')?.value);
    expect((pod.terminationGracePeriodSeconds ?? 0) * 1000).toBeGreaterThan(stopMs + 10_000);
    const budget = rendering.of('PodDisruptionBudget', `ledger-tokenledger-${role}`);
    expect(workload.spec.template.metadata.labels).toMatchObject(budget.spec.selector?.matchLabels ?? { none: '' });
    expect(workload.spec.template.metadata.labels).toMatchObject(workload.spec.selector?.matchLabels ?? { none: '' });
  });

  test('an ingress has longer to stop than an answer is read on after its client has left', async ({ skip }) => {
    if (helm.kind === 'missing') return skip(helm.reason);
    const { env } = containerOf((await render(helm, {})).of('StatefulSet', 'ledger-tokenledger-ingress'));
    const drain = /`drain_timeout_ms`[^|]*\|[^|]*\| `(\d+)`/.exec(await readFile(join(repositoryRoot, 'docs', 'configuration.md'), 'utf8'));
    expect(Number(env?.find(({ name }) => name === 'TOKENLEDGER_SHUTDOWN_TIMEOUT_MS')?.value)).toBeGreaterThan(Number(drain?.[1]));
  });

  test('an ingress has a volume of its own, where its data directory is', async ({ skip }) => {
    if (helm.kind === 'missing') return skip(helm.reason);
    const ingress = (await render(helm, {})).of('StatefulSet', 'ledger-tokenledger-ingress');
    expect(ingress.spec.volumeClaimTemplates?.map(({ metadata }) => metadata.name)).toEqual(['data']);
    expect(containerOf(ingress).volumeMounts).toContainEqual({ name: 'data', mountPath: '/var/lib/tokenledger' });
  });

  test('the migrations run before anything else, with the same config', async ({ skip }) => {
    if (helm.kind === 'missing') return skip(helm.reason);
    const rendering = await render(helm, {});
    const hooks = [rendering.of('ConfigMap', 'ledger-tokenledger-migrate'), rendering.of('Job', 'ledger-tokenledger-migrate')];
    expect(hooks.map(({ metadata }) => metadata.annotations?.['helm.sh/hook'])).toEqual(hooks.map(() => 'pre-install,pre-upgrade'));
    const [config, job] = hooks.map(({ metadata }) => Number(metadata.annotations?.['helm.sh/hook-weight']));
    expect(config).toBeLessThan(Number(job));
    expect(rendering.of('ConfigMap', 'ledger-tokenledger-migrate').data).toEqual(rendering.of('ConfigMap', 'ledger-tokenledger').data);
  });

  test('every variable of ours is an option of the program', async ({ skip }) => {
    if (helm.kind === 'missing') return skip(helm.reason);
    const { variables } = await knownOptions();
    const rendering = await render(helm, EVERYTHING);
    const ours = workloads(rendering).flatMap((workload) => (containerOf(workload).env ?? []).map(({ name }) => name));
    const meant = ours.filter((name) => name.startsWith('TOKENLEDGER_') || name === 'KAFKA_BROKERS');
    expect(meant.length).toBeGreaterThan(8);
    expect(meant.filter((name) => !variables.has(name))).toEqual([]);
  });

  test.for(ROLES)('the settings that %s gets are valid', async (role, { skip }) => {
    if (helm.kind === 'missing') return skip(helm.reason);
    const rendering = await render(helm, {});
    const workload = rendering.of(role === 'ingress' ? 'StatefulSet' : 'Deployment', `ledger-tokenledger-${role}`);
    await writeFile(
      join(folder.path, 'tokenledger.yaml'),
      rendering.of('ConfigMap', 'ledger-tokenledger').data?.['tokenledger.yaml'] ?? '',
    );
    const env = Object.fromEntries((containerOf(workload).env ?? []).map(({ name, value }) => [name, value ?? SECRET_VALUE]));
    const result = await runCli(['run', '--roles', role, '--check-config'], { cwd: folder.path, env });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toContain('tokenledger.yaml: valid');
  });
});

describe('network policies', () => {
  const cidrs = ({ spec }: Manifest): readonly string[] =>
    (spec.egress ?? []).flatMap(({ to }) => to.flatMap(({ ipBlock }) => (ipBlock === undefined ? [] : [ipBlock.cidr])));

  test('each workload has one, and only the ingress may leave the cluster', async ({ skip }) => {
    if (helm.kind === 'missing') return skip(helm.reason);
    const rendering = await render(helm, {});
    for (const workload of workloads(rendering)) {
      const role = containerOf(workload).name;
      const policy = rendering.of('NetworkPolicy', `ledger-tokenledger-${role}`);
      expect(workload.spec.template.metadata.labels).toMatchObject(policy.spec.podSelector?.matchLabels ?? { none: '' });
      expect({ role, types: policy.spec.policyTypes, outside: cidrs(policy) }).toEqual({
        role,
        types: ['Ingress', 'Egress'],
        outside: role === 'ingress' ? ['0.0.0.0/0'] : [],
      });
    }
  });

  test('workloads with the label reach the ingress and the cluster, and no address outside of it', async ({ skip }) => {
    if (helm.kind === 'missing') return skip(helm.reason);
    const rendering = await render(helm, { networkPolicy: { workloads: { namespaces: ['apps', 'agents'] } } });
    const policies = rendering.manifests.filter(({ metadata }) => metadata.name === 'ledger-tokenledger-no-direct-provider-urls');
    expect(policies.map(({ metadata }) => metadata.namespace)).toEqual(['apps', 'agents']);
    const ingress = rendering.of('StatefulSet', 'ledger-tokenledger-ingress').spec.template.metadata.labels;
    for (const policy of policies) {
      expect(policy.spec.podSelector?.matchLabels).toEqual({ 'tokenledger.dev/llm-client': 'true' });
      expect(policy.spec.policyTypes).toEqual(['Egress']);
      expect(cidrs(policy)).toEqual(['10.0.0.0/8']);
      const selected = (policy.spec.egress ?? []).flatMap(({ to }) =>
        to.flatMap(({ podSelector }) => (podSelector?.matchLabels === undefined ? [] : [podSelector.matchLabels])),
      );
      expect(selected).toHaveLength(1);
      expect(ingress).toMatchObject(selected[0] ?? {});
    }
  });
});

describe('monitoring', () => {
  test('brings the rules and dashboards of this repository', async ({ skip }) => {
    if (helm.kind === 'missing') return skip(helm.reason);
    const rendering = await render(helm, EVERYTHING);
    const rules = parse(await readFile(join(repositoryRoot, 'deploy', 'prometheus', 'rules', 'tokenledger.yaml'), 'utf8')) as {
      groups: unknown;
    };
    expect(rendering.of('PrometheusRule', 'ledger-tokenledger').spec.groups).toEqual(rules.groups);
    for (const { file } of await readDashboards()) {
      const map = rendering.of('ConfigMap', `ledger-tokenledger-dashboard-${file.replace('.json', '')}`);
      expect(JSON.parse(map.data?.[file] ?? '')).toEqual(JSON.parse(await readFile(join(dashboardsFolder, file), 'utf8')));
    }
  });
});
