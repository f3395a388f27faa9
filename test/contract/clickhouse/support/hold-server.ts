/** Run as a process of its own: starts an embedded server, tells where it is, and holds it until it is killed. */
import { startEmbeddedClickHouse } from '@tokenledger/clickhouse';

const directory = process.argv[2];
if (directory === undefined) throw new Error('give the directory');

const server = await startEmbeddedClickHouse({ directory, port: 0, lockWaitMs: 100 });
const state = server.state();
console.log(`holding ${server.url} ${state.kind === 'ready' ? state.pid : 0}`);
