/** What failures of Kafka mean: which pass by themselves, which are the operator's to mend, which mean that something is missing. */
import { AppError } from '@tokenledger/domain';

/** A wrong name, password or permission: trying again at once cannot help, but somebody may mend it while we run. */
const DENIED = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  // A refused bearer token: its refusal comes as data, which kafkajs does not look at, and the next request is then out of place.
  'ILLEGAL_SASL_STATE',
  'SECURITY_DISABLED',
]);

/** The metadata that a request was based on may be outdated. */
const STALE = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'REPLICA_NOT_AVAILABLE',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'KAFKA_STORAGE_ERROR',
  'OFFSET_NOT_AVAILABLE',
]);

/** The coordinator of a group may be another one, or not ready. */
const COORDINATOR = new Set(['GROUP_LOAD_IN_PROGRESS', 'GROUP_COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR_FOR_GROUP']);

/** Kafka's name of an error that a broker answered with; undefined for failures of another kind. */
export function kafkaErrorType(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('type' in error)) return undefined;
  return typeof error.type === 'string' ? error.type : undefined;
}

/** The connection is in doubt: it broke, or a request on it was not answered in time. */
export function isConnectionFailure(error: unknown): boolean {
  return (
    error instanceof Error &&
    kafkaErrorType(error) === undefined &&
    !(error instanceof AppError) &&
    !(error instanceof GiveUp) &&
    !isDefect(error)
  );
}

export function isStaleMetadata(error: unknown): boolean {
  return STALE.has(kafkaErrorType(error) ?? '');
}

export function isCoordinatorMoved(error: unknown): boolean {
  return COORDINATOR.has(kafkaErrorType(error) ?? '');
}

function isDenied(error: unknown): boolean {
  return DENIED.has(kafkaErrorType(error) ?? '') || (error instanceof Error && error.name === 'KafkaJSSASLAuthenticationError');
}

/** A mistake in the program, which must not pass for a broker that is away. */
function isDefect(error: Error): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError || error.name === 'InvariantError';
}

/** Ends the attempts at a step with the failure it carries, though that one may pass. */
export class GiveUp extends Error {
  readonly failure: AppError;

  constructor(failure: AppError) {
    super(failure.message);
    this.name = 'GiveUp';
    this.failure = failure;
  }
}

/** The failure to give up with at once, or null when another attempt may help. */
export function finalFailure(what: string, error: unknown): Error | null {
  if (error instanceof GiveUp) return error.failure;
  if (error instanceof AppError) return error.retryable ? null : error;
  if (!(error instanceof Error)) return new TypeError(`${what}: ${String(error)} was thrown`);
  if (isDefect(error)) return error;
  if (isDenied(error)) {
    return new AppError('LOG_DENIED', `${what}: the brokers refused it (${error.message}): correct the credentials or the permissions.`, {
      retryable: true,
      cause: error,
    });
  }
  return null;
}

export function unavailable(what: string, cause: unknown): AppError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new AppError('LOG_UNAVAILABLE', `${what}: ${reason}`, { retryable: true, cause });
}
