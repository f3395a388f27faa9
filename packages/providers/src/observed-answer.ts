/** What a reader says of an answer once nothing more comes of it. */
import type { UsageReason } from '@tokenledger/domain';
import type { AnswerFold } from './answer-fold.ts';
import { rawUsageText } from './raw-usage.ts';
import type { ObservedAnswer } from './surface.ts';

export interface AnswerClose {
  readonly httpStatus: number;
  /** The answer told that it is whole. */
  readonly complete: boolean;
  /** Why a part of it was not read; `''` when all was. */
  readonly unread: UsageReason;
}

export function observedAnswer(fold: AnswerFold, close: AnswerClose): ObservedAnswer {
  const { identified } = fold;
  const usage = fold.normalised();
  const known = usage?.kind === 'usage' ? usage : undefined;
  return {
    usage: known?.usage ?? null,
    usageReason: known !== undefined ? '' : usage?.kind === 'invalid' ? 'invalid_usage' : reasonWithoutUsage(fold, close),
    usageFlags: known === undefined || known.flags.length === 0 ? fold.flags : [...new Set([...fold.flags, ...known.flags])],
    rawUsage: fold.rawUsage === null ? '' : rawUsageText(fold.rawUsage),
    servedModel: fold.model,
    serviceTier: fold.serviceTier,
    upstreamId: fold.upstreamId,
    finishReason: fold.finishReason,
    errorClass: fold.errorClass,
    complete: close.complete,
    ...(identified === undefined ? {} : { identified }),
  };
}

function reasonWithoutUsage(fold: AnswerFold, { httpStatus, complete, unread }: AnswerClose): UsageReason {
  if (httpStatus >= 400 || fold.errorClass !== '') return 'upstream_error';
  if (unread !== '') return unread;
  return complete ? 'not_reported' : 'cut_off';
}
