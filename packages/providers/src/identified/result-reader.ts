/** The readers of answers that name results. */
import { anthropicMessages } from '../anthropic-messages/index.ts';
import { openaiResponses } from '../openai-responses/index.ts';
import type { AnswerDescription, Surface } from '../surface.ts';
import { readAnthropicLine } from './anthropic-batch.ts';
import { looksLikeOpenaiLine, OPENAI_BATCHES, readOpenaiBatches, readOpenaiLine } from './openai-batch.ts';
import { ResultLines } from './result-lines.ts';
import { noAnswer, type ResultFact, type ResultReader } from './result.ts';
import { SmallAnswer } from './small-answer.ts';
import { StoredResponse } from './stored-response.ts';

/** What an endpoint answers with: a response as it stands, a batch or a list of them, a file that may be a batch's output, an Anthropic batch's results. */
export type ResultsKind = 'response' | 'batches' | 'file' | 'message_batch';

export interface ResultsDescription extends AnswerDescription {
  readonly kind: ResultsKind;
  /** What the path names: the file, or the batch. */
  readonly name: string;
  readonly surface: (name: string) => Surface | undefined;
  readonly onFact: (fact: ResultFact) => void;
}

/** For an answer of status 200: one that is an error, a part or nothing new names no results. */
export function resultReader(description: ResultsDescription): ResultReader {
  const { kind, name, onFact, surface, provider = '' } = description;
  switch (kind) {
    case 'response':
      return new StoredResponse(openaiResponses.usageReader(description), onFact);
    case 'batches':
      return new SmallAnswer((answer) => {
        if (answer !== undefined) for (const fact of readOpenaiBatches(answer)) onFact(fact);
        return noAnswer('not_reported', '');
      });
    case 'file':
      return new ResultLines({
        name,
        surface: OPENAI_BATCHES,
        read: (line) => readOpenaiLine(line, { surface, provider }),
        looksRead: looksLikeOpenaiLine,
        onFact,
      });
    case 'message_batch':
      return new ResultLines({
        name,
        surface: 'anthropic.messages',
        read: (line) => readAnthropicLine(line, { messages: anthropicMessages, provider }),
        looksRead: () => true,
        onFact,
      });
  }
}
