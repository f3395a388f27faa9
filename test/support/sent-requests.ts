/** Small requests to a ledger on the simulator, one after the other, as a client sends them. */
import { request } from 'undici';
import { LEDGER_KEY } from './running-ledger.ts';

/** Gives the ids of the events. Throws when one is not answered with 200. */
export async function sendRequests(url: string, count: number, key = LEDGER_KEY): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const answer = await request(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: `Question ${index}` }] }),
    });
    await answer.body.dump();
    if (answer.statusCode !== 200) throw new Error(`request ${index} was answered with ${answer.statusCode}`);
    ids.push(String(answer.headers['x-tokenledger-request-id']));
  }
  return ids;
}
