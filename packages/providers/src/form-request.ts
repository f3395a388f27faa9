/** A request whose body is a form with a file in it, or JSON: what is common to images and transcription. */
import { rejected, type Rejected } from '@tokenledger/domain';
import { formFields } from './form-fields.ts';
import { MODEL_CHARS_MAX, readRequestBody } from './request-body.ts';
import type { ReadRequestOptions, RequestFacts } from './surface.ts';

const FORM = /^multipart\//i;

/** The model is `''` where the body names none and the path names none: the provider has one for that, or refuses. So it is where a form cannot be read: the provider shall judge it.
 *  Rejects `REQUEST_INVALID` a body that is neither. `holdsFiles`: whether that is true of JSON too. */
export function readFormRequest(body: Buffer, options: ReadRequestOptions, holdsFiles: boolean): RequestFacts | Rejected {
  const pathModel = options.path?.['deployment'];
  if (!FORM.test(options.contentType ?? '')) {
    const request = readRequestBody(body, { pathModel, modelOptional: true });
    return request.kind === 'rejected' ? request : facts(request.model, request.streamed, holdsFiles);
  }
  const fields = formFields(body, options.contentType ?? '');
  const model = fields.get('model') || (pathModel ?? '');
  if (model.length > MODEL_CHARS_MAX) return rejected('REQUEST_INVALID', `\`model\` must have at most ${MODEL_CHARS_MAX} characters`);
  return facts(model, fields.get('stream')?.toLowerCase() === 'true', true);
}

function facts(model: string, streamed: boolean, holdsMedia: boolean): RequestFacts {
  return { kind: 'request', model, streamed, injectedBody: undefined, holdsMedia, lastToolText: '' };
}
