/** Which Kafka the tests use, in order: one that is named, a container where containers run, Kafka's own jars on a JDK. */

export type KafkaSource =
  | { readonly kind: 'given'; readonly brokers: string }
  | { readonly kind: 'container' }
  | { readonly kind: 'jars'; readonly java: string; readonly jars: JarSource }
  /** `fails`: whoever needs Kafka has to fail instead of being skipped. */
  | { readonly kind: 'missing'; readonly reason: string; readonly fails: boolean };

/** Where the jars come from: a folder that has them, or Maven. */
export type JarSource = { readonly kind: 'cached'; readonly folder: string } | { readonly kind: 'maven'; readonly command: string };

/** What a machine has. */
export interface Machine {
  /** `KAFKA_BROKERS`: host:port, with commas between. */
  readonly brokers: string | undefined;
  /** Whether a container runtime answers. */
  readonly containers: boolean;
  /** The newest Java that was found, if any. */
  readonly java: { readonly command: string; readonly major: number } | undefined;
  readonly cachedJars: string | undefined;
  readonly maven: string | undefined;
  /** `CI=true`: nothing may be skipped for want of Kafka. */
  readonly ci: boolean;
}

/** Kafka 4 runs on nothing older. */
const JAVA_MAJOR_MIN = 17;

export function chooseKafka(machine: Machine): KafkaSource {
  const brokers = machine.brokers?.trim() ?? '';
  if (brokers !== '') return { kind: 'given', brokers };
  if (machine.containers) return { kind: 'container' };
  return chooseJars(machine);
}

/** For a broker with settings of its own, which neither a given broker nor the container has. */
export function chooseJars(machine: Machine): Exclude<KafkaSource, { readonly kind: 'given' | 'container' }> {
  const { java } = machine;
  if (java === undefined) return missing(machine, 'there is no Java');
  if (java.major < JAVA_MAJOR_MIN) return missing(machine, `Java ${java.major} is too old`);
  if (machine.cachedJars !== undefined) return { kind: 'jars', java: java.command, jars: { kind: 'cached', folder: machine.cachedJars } };
  if (machine.maven === undefined) return missing(machine, 'there is no Maven to fetch the jars');
  return { kind: 'jars', java: java.command, jars: { kind: 'maven', command: machine.maven } };
}

function missing({ ci }: Machine, because: string): KafkaSource & { readonly kind: 'missing' } {
  const remedy = `Set KAFKA_BROKERS, start Docker, or install a JDK (${JAVA_MAJOR_MIN} or newer) and Maven.`;
  return { kind: 'missing', reason: `no Kafka: ${because}. ${remedy}`, fails: ci };
}
