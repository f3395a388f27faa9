/** A cluster of several brokers that speaks just enough of Kafka's protocol for a producer, so that a test can move leaders and answer wrongly at the very
 *  moment that matters. It stores what it is sent and acknowledges only that. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { API, ERROR, FrameCutter, requestBody, requestHeader, type RequestHeader } from './protocol.ts';
import { batchValues } from './record-batch.ts';
import { frame, type WireReader, WireWriter } from './wire.ts';

/** One partition's part of a request to produce, as it arrives. */
export interface Produce {
  readonly node: number;
  readonly topic: string;
  readonly partition: number;
  readonly values: readonly string[];
}

/** What a broker does with it: what brokers do; or it stores nothing and leaves the partition out of its answer. */
export type ProduceFate = 'as usual' | 'leave out';

export interface FakeCluster extends AsyncDisposable {
  readonly brokers: string;
  /** The values in a partition, in order. */
  stored(topic: string, partition: number): readonly string[];
  moveLeader(topic: string, partition: number, node: number): void;
  /** Called before a broker deals with each partition of a request. */
  onProduce(decide: (produce: Produce) => ProduceFate): void;
}

export interface FakeClusterOptions {
  /** Nodes are numbered from 1. */
  readonly nodes: number;
  /** The leader of each partition, by topic. */
  readonly topics: Readonly<Record<string, readonly number[]>>;
}

/** From and to; what is not here is not spoken. */
const VERSIONS: Readonly<Record<number, readonly [from: number, to: number]>> = {
  [API.produce]: [3, 7],
  [API.metadata]: [1, 6],
  [API.apiVersions]: [0, 2],
  [API.initProducerId]: [0, 0],
};

export async function startFakeCluster(options: FakeClusterOptions): Promise<FakeCluster> {
  const cluster = new Cluster(options);
  await cluster.listen(options.nodes);
  return cluster;
}

class Partition {
  leader: number;
  readonly values: string[] = [];

  constructor(leader: number) {
    this.leader = leader;
  }
}

class Cluster implements FakeCluster {
  readonly #topics: ReadonlyMap<string, readonly Partition[]>;
  readonly #ports = new Map<number, number>();
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  #decide: (produce: Produce) => ProduceFate = () => 'as usual';

  constructor({ topics }: FakeClusterOptions) {
    this.#topics = new Map(Object.entries(topics).map(([topic, leaders]) => [topic, leaders.map((leader) => new Partition(leader))]));
  }

  get brokers(): string {
    return `127.0.0.1:${this.#ports.get(1)}`;
  }

  async listen(nodes: number): Promise<void> {
    for (let node = 1; node <= nodes; node += 1) {
      const server = createServer((socket) => this.#serve(node, socket));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      this.#servers.push(server);
      this.#ports.set(node, (server.address() as AddressInfo).port);
    }
  }

  stored(topic: string, partition: number): readonly string[] {
    return this.#partition(topic, partition).values;
  }

  moveLeader(topic: string, partition: number, node: number): void {
    this.#partition(topic, partition).leader = node;
  }

  onProduce(decide: (produce: Produce) => ProduceFate): void {
    this.#decide = decide;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  #partition(topic: string, partition: number): Partition {
    const found = this.#topics.get(topic)?.[partition];
    if (found === undefined) throw new Error(`the cluster has no partition ${topic}/${partition}`);
    return found;
  }

  #serve(node: number, socket: Socket): void {
    this.#sockets.add(socket);
    const cutter = new FrameCutter();
    // A client that leaves ends its connection here too; there is nothing else to do about it.
    socket.on('error', () => socket.destroy()).on('close', () => this.#sockets.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      for (const request of cutter.push(chunk)) {
        const header = requestHeader(request);
        const answer = new WireWriter().int32(header.correlation);
        this.#answer(node, header, requestBody(request), answer);
        socket.write(frame(answer));
      }
    });
  }

  #answer(node: number, { api, version }: RequestHeader, body: WireReader, answer: WireWriter): void {
    const [from, to] = VERSIONS[api] ?? [0, -1];
    if (version < from || version > to) throw new Error(`request ${api} in version ${version} is not spoken here`);
    switch (api) {
      case API.apiVersions:
        answer.int16(ERROR.none);
        answer.array(Object.entries(VERSIONS), ([key, [first, last]]) => answer.int16(Number(key)).int16(first).int16(last));
        if (version >= 1) answer.int32(0);
        return;
      case API.initProducerId:
        answer.int32(0).int16(ERROR.none).int64(1n).int16(0);
        return;
      case API.metadata:
        return this.#answerMetadata(version, body, answer);
      case API.produce:
        return this.#answerProduce(node, version, body, answer);
    }
  }

  #answerMetadata(version: number, body: WireReader, answer: WireWriter): void {
    const asked = body.array(() => body.string());
    if (version >= 3) answer.int32(0);
    answer.array([...this.#ports], ([node, port]) => answer.int32(node).string('127.0.0.1').int32(port).nullableString(null));
    if (version >= 2) answer.nullableString('fake');
    answer.int32(1);
    answer.array(asked.length > 0 ? asked : [...this.#topics.keys()], (topic) => {
      const partitions = this.#topics.get(topic);
      answer.int16(partitions === undefined ? ERROR.unknownTopicOrPartition : ERROR.none);
      answer.string(topic).int8(0);
      answer.array([...(partitions ?? []).entries()], ([id, { leader }]) => {
        answer.int16(ERROR.none).int32(id).int32(leader);
        for (const replicas of [[leader], [leader]]) answer.array(replicas, (replica) => answer.int32(replica));
        if (version >= 5) answer.array([], () => {});
      });
    });
  }

  #answerProduce(node: number, version: number, body: WireReader, answer: WireWriter): void {
    body.nullableString();
    body.int16();
    body.int32();
    const topics = body.array(() => {
      const topic = body.string();
      const partitions = body.array(() => ({ partition: body.int32(), values: batchValues(body.bytes()) }));
      return { topic, results: partitions.flatMap((one) => this.#produce({ node, topic, ...one }) ?? []) };
    });
    answer.array(
      topics.filter(({ results }) => results.length > 0),
      ({ topic, results }) => {
        answer.string(topic).array(results, ({ partition, error, offset }) => {
          answer.int32(partition).int16(error).int64(offset).int64(-1n);
          if (version >= 5) answer.int64(0n);
        });
      },
    );
    answer.int32(0);
  }

  #produce(produce: Produce): { readonly partition: number; readonly error: number; readonly offset: bigint } | undefined {
    const fate = this.#decide(produce);
    if (fate === 'leave out') return undefined;
    const { values, leader } = this.#partition(produce.topic, produce.partition);
    if (leader !== produce.node) return { partition: produce.partition, error: ERROR.notLeader, offset: -1n };
    const offset = BigInt(values.length);
    values.push(...produce.values);
    return { partition: produce.partition, error: ERROR.none, offset };
  }
}
