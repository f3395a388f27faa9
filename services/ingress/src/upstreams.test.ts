import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { ResolvedChannel } from '@tokenledger/control';
import { SURFACES } from '@tokenledger/providers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ingressConfig } from './config.ts';
import { ARRIVAL_CHECK_MS, type Upstreams, upstreams } from './upstreams.ts';

const config = ingressConfig.parse({ request_timeout_ms: 1000 });
/** The time to arrive, and what Node takes to notice that it has passed. */
const LAST_ARRIVAL_MS = config.request_timeout_ms + ARRIVAL_CHECK_MS;
const surface = SURFACES['openai.chat'];

const channel = (id: string, baseUrl: string): ResolvedChannel => ({
  id,
  provider: 'openai',
  surfaces: ['openai.chat'],
  surfacesBelow: ['openai.chat'],
  baseUrl,
  region: '',
  injectUsage: true,
  drainTimeoutMs: null,
  drainBytesMax: null,
  tier: '',
  inFlightMax: null,
  credential: `sk-${id}`,
  problem: '',
});
const [here, there] = [channel('here', 'http://127.0.0.1:1/v2'), channel('there', 'http://127.0.0.1:2')];

let kept: Upstreams;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  kept = upstreams(config);
});
afterEach(async () => {
  vi.useRealTimers();
  await kept.close();
});

test('channels of one origin share their connections, each with its own path and credential', () => {
  const other = channel('other', 'http://127.0.0.1:1');
  const [first, second] = [kept.of(here, surface), kept.of(other, surface)];
  expect(first.pool).toBe(second.pool);
  expect([first.basePath, second.basePath]).toEqual(['/v2', '']);
  expect([first.credential, second.credential]).toEqual([
    ['authorization', 'Bearer sk-here'],
    ['authorization', 'Bearer sk-other'],
  ]);
  expect(kept.origins).toBe(1);
});

test('an origin that no channel has any more is left once nobody can still send to it', () => {
  const { pool } = kept.of(here, surface);
  kept.of(there, surface);
  kept.keep([there]);
  vi.advanceTimersByTime(LAST_ARRIVAL_MS - 1);
  expect(pool.closed).toBe(false);
  expect(kept.of(here, surface).pool).toBe(pool);
  vi.advanceTimersByTime(1);
  expect(pool.closed).toBe(true);
  expect(kept.of(there, surface).pool.closed).toBe(false);
});

test('an origin that comes back meanwhile keeps its connections', () => {
  const { pool } = kept.of(here, surface);
  kept.keep([]);
  vi.advanceTimersByTime(LAST_ARRIVAL_MS - 1);
  kept.keep([here]);
  vi.advanceTimersByTime(LAST_ARRIVAL_MS);
  expect(pool.closed).toBe(false);
});

test('an answer under way ends before its connections are closed', async () => {
  const answers: ServerResponse[] = [];
  const server = createServer((_request, response) => answers.push(response.writeHead(200)) && response.write('first ')).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  const address = server.address();
  const gone = channel('gone', `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
  const { pool } = kept.of(gone, surface);
  const answer = await pool.request({ path: '/', method: 'POST', body: '{}' });
  kept.keep([]);
  vi.advanceTimersByTime(LAST_ARRIVAL_MS);
  expect(pool.closed).toBe(true);
  expect(kept.origins).toBe(1);
  answers[0]?.end('last');
  expect(await answer.body.text()).toBe('first last');
  await vi.waitFor(() => expect(kept.origins).toBe(0));
  server.close();
});
