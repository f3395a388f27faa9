/** Every recorded exchange must give the usage that its expectation names, however the bytes of its answer are cut: the readers alone, without the ingress. */
import { UNKNOWN_USAGE } from '@tokenledger/domain';
import type { Endpoint, ReadRequestOptions, RequestFacts, Surface } from '@tokenledger/providers';
import { SURFACES } from '@tokenledger/providers';
import { describe, expect, test } from 'vitest';
import { findRecordings } from '../support/recordings.ts';
import { EXCLUDED } from './excluded.ts';
import { CHUNKINGS, type Chunking } from './support/chunkings.ts';
import { differences, type SeenExchange } from './support/comparison.ts';
import { namesIn } from './support/endpoints.ts';
import { surfacesOfKind } from './support/kinds.ts';
import { readRecordingFolder, type Recording } from './support/recording.ts';

/** Larger than any recording. */
const ANSWER_BYTES_MAX = 32 * 1024 * 1024;
/** As many as there were when this was written. */
const RECORDINGS_MIN = 1452;
const folder = findRecordings();
const recordings = folder === undefined ? [] : readRecordingFolder(folder).filter(({ id }) => !Object.hasOwn(EXCLUDED, id));

describe.skipIf(folder === undefined)('recordings', () => {
  test('are as many as there were', () => {
    expect(recordings.length + Object.keys(EXCLUDED).length).toBeGreaterThanOrEqual(RECORDINGS_MIN);
  });

  const byProviderAndKind = [...Map.groupBy(recordings, ({ provider, kind }) => `${provider} ${kind}`)];
  describe.each(byProviderAndKind)('of %s', (_, its) => {
    test.each(CHUNKINGS)('give the expected usage when read $name', ({ cut }) => {
      expect(its.flatMap((recording) => failuresOf(recording, cut))).toEqual([]);
    });
  });
});

function failuresOf(recording: Recording, cut: Chunking['cut']): readonly string[] {
  const entrance = entranceOf(recording);
  if (entrance === undefined) return [`${recording.id}: no surface is served at ${recording.path}`];
  const request = requestOf(recording, entrance);
  if (typeof request === 'string') return [`${recording.id}: its request is refused: ${request}`];
  return differences(recording, observe(recording, entrance.surface, request, cut)).map((difference) => `${recording.id}: ${difference}`);
}

interface Entrance {
  readonly surface: Surface;
  readonly endpoint: Endpoint;
  readonly path: Readonly<Record<string, string>>;
}

/** The surface of the recording's kind whose endpoint its path ends with. */
function entranceOf(recording: Recording): Entrance | undefined {
  for (const name of surfacesOfKind(recording.kind)) {
    const surface: Surface = SURFACES[name];
    for (const endpoint of surface.endpoints) {
      const path = namesIn(endpoint, recording.path);
      if (path !== undefined) return { surface, endpoint, path };
    }
  }
  return undefined;
}

/** A request that the provider refused may be one that we refuse: then the reason is given. */
function requestOf(recording: Recording, { surface, endpoint, path }: Entrance): RequestFacts | string {
  const options: ReadRequestOptions = {
    injectUsage: true,
    endpoint,
    path,
    query: recording.path.split('?')[1] ?? '',
    contentType: recording.requestHeaders['content-type'],
    provider: recording.provider,
  };
  const read = surface.readRequest(Buffer.from(recording.requestBody), options);
  return read.kind === 'rejected' ? read.message : read;
}

function observe(recording: Recording, surface: Surface, request: RequestFacts, cut: Chunking['cut']): SeenExchange {
  const reader = surface.usageReader({
    contentType: recording.contentType,
    httpStatus: recording.status,
    answerBytesMax: ANSWER_BYTES_MAX,
    headers: recording.responseHeaders,
    provider: recording.provider,
    requestedModel: request.model,
  });
  for (const chunk of cut(recording.responseBytes)) reader.push(chunk);
  const answer = reader.end();
  return {
    requestedModel: request.model,
    servedModel: answer.servedModel,
    serviceTier: answer.serviceTier,
    usageReason: answer.usageReason,
    usage: answer.usage ?? UNKNOWN_USAGE,
  };
}
