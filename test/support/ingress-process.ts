/** An ingress in a process of its own, so that its memory can be measured: in front of the upstream of the first argument, with the config of the second
 *  (JSON). Prints its URL, and one that answers with what it takes and counts; below `/live`, with what it holds once the garbage is collected (`node --expose-gc`). */
import { createServer } from 'node:http';
import { runIngress } from './running-ingress.ts';

const [upstreamUrl = '', config = '{}'] = process.argv.slice(2);
const ingress = await runIngress({ upstreamUrl, config: JSON.parse(config) as Record<string, never> });
const stats = createServer((asked, response) => {
  if (asked.url === '/live') globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  void ingress.registry.metrics().then((metrics) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ rssBytes: process.memoryUsage.rss(), liveBytes: heapUsed + external, metrics }));
  });
});
stats.listen(0, '127.0.0.1', () => {
  const address = stats.address();
  const statsUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  process.stdout.write(`${JSON.stringify({ url: ingress.url, statsUrl })}\n`);
});
process.once('SIGTERM', () => {
  stats.close();
  void ingress[Symbol.asyncDispose]();
});
