/** An ingress by its journal, `disk`, `process` or `none`, in front of the upstream of the second argument. With a third, `counting`, it counts tokens too.
 *  Prints its URL. */
import { runIngress } from '../../support/running-ingress.ts';
import { noJournal } from './no-journal.ts';

const [journal, upstreamUrl = '', counting] = process.argv.slice(2);
if (journal !== 'disk' && journal !== 'process' && journal !== 'none')
  throw new Error(`the journal is disk, process or none, not ${journal}`);

const ingress = await runIngress({
  upstreamUrl,
  config: { counting_threads: counting === 'counting' ? 1 : 0, ...(journal === 'none' ? {} : { journal_durability: journal }) },
  ...(journal === 'none' ? { journal: noJournal() } : {}),
});
process.stdout.write(`${JSON.stringify({ url: ingress.url })}\n`);
process.once('SIGTERM', () => void ingress[Symbol.asyncDispose]());
