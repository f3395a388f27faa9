// Exits 0 when the process of this container answers its admin server and every role is ready: `node healthcheck.mjs [PATH]`, by default /readyz.
const timeoutMs = 2_500;
const port = process.env.TOKENLEDGER_ADMIN_PORT || '8081';
const path = process.argv[2] ?? '/readyz';

try {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(timeoutMs) });
  if (!answer.ok) process.stderr.write(`${path} answered ${answer.status}: ${await answer.text()}\n`);
  process.exitCode = answer.ok ? 0 : 1;
} catch (error) {
  process.stderr.write(`${path}: ${error.cause?.message ?? error.message}\n`);
  process.exitCode = 1;
}
