/** An embedded ClickHouse whose engine is configured as a node of a cluster would be, or for another user than the one who may do everything. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type EmbeddedClickHouse, startEmbeddedClickHouse } from '@tokenledger/clickhouse';

/** One shard that is this engine itself: it is asked in the process, nothing listens on the port. */
const CLUSTER = `
  <tcp_port>9000</tcp_port>
  <macros><shard>01</shard><replica>one</replica></macros>
  <zookeeper><implementation>testkeeper</implementation></zookeeper>
  <remote_servers><main><shard><internal_replication>true</internal_replication>
    <replica><host>127.0.0.1</host><port>9000</port></replica>
  </shard></main></remote_servers>`;

export interface EngineOptions {
  readonly directory: string;
  readonly cluster?: boolean;
  /** XML of the user that all queries run as. */
  readonly user?: string;
}

export async function startEngine(options: EngineOptions): Promise<EmbeddedClickHouse> {
  const configFile = join(options.directory, 'config.xml');
  const usersFile = join(options.directory, 'users.xml');
  const user = options.user ?? '<access_management>1</access_management>';
  await writeFile(
    usersFile,
    `<clickhouse><profiles><default></default></profiles><quotas><default></default></quotas><users><default>
       <password></password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>${user}
     </default></users></clickhouse>`,
  );
  await writeFile(
    configFile,
    `<clickhouse>${options.cluster === true ? CLUSTER : ''}<users_config>${usersFile}</users_config></clickhouse>`,
  );
  return startEmbeddedClickHouse({ directory: join(options.directory, 'data'), port: 0, configFile });
}
