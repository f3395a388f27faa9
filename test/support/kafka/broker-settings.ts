/** What every broker for tests is told, however it is started: one node that never waits for anybody. */
export const PLAIN = 'PLAINTEXT';
export const CONTROLLER = 'CONTROLLER';

export const BROKER_SETTINGS: Readonly<Record<string, string>> = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  'inter.broker.listener.name': PLAIN,
  'controller.listener.names': CONTROLLER,
  'auto.create.topics.enable': 'false',
  'default.replication.factor': '1',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '4',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  // A killed node is let in again once its session is over.
  'broker.session.timeout.ms': '3000',
  'broker.heartbeat.interval.ms': '500',
  // Tests do not wait for members that may come, for compaction or for expiry.
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '1000',
  'log.initial.task.delay.ms': '200',
  'log.cleaner.backoff.ms': '200',
  'log.cleaner.dedupe.buffer.size': '4194304',
  'log.retention.check.interval.ms': '1000',
};
