/** Loaded into a role's process before the program (`node --import`): writes down what the process has in hand, and does to it what has to come from within.
 *  The program itself knows nothing of it. Variables: `CHAOS_PHASES` and `CHAOS_AFFLICTIONS`, the two files. */
import { subscribe } from 'node:diagnostics_channel';
import fs from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { IN_HAND_CHANNEL, type InHandMessage } from '@tokenledger/event-log';
import { readAfflictions } from './afflictions.ts';
import { encodePhases, NO_PHASES } from './phases.ts';

const AFFLICTIONS_READ_MS = 50;

const phasesFile = process.env['CHAOS_PHASES'];
const afflictionsFile = process.env['CHAOS_AFFLICTIONS'];
if (phasesFile === undefined || afflictionsFile === undefined) throw new Error('CHAOS_PHASES and CHAOS_AFFLICTIONS name the files');

let afflictions = readAfflictions(afflictionsFile);
setInterval(() => (afflictions = readAfflictions(afflictionsFile)), AFFLICTIONS_READ_MS).unref();

writePhases(phasesFile);
shiftClock(() => afflictions.clock_offset_ms);
fillDisk(() => afflictions.disk_full);

function writePhases(file: string): void {
  const descriptor = fs.openSync(file, 'w');
  const counts: { -readonly [Name in keyof typeof NO_PHASES]: number } = { ...NO_PHASES };
  // Synchronous: what is written has left this process, whatever becomes of it.
  const change = (name: keyof typeof counts, by: number): void => {
    counts[name] += by;
    fs.writeSync(descriptor, encodePhases(counts), 0, undefined, 0);
  };
  change('request', 0);
  subscribe(IN_HAND_CHANNEL, (message) => {
    const { what, change: by } = message as InHandMessage;
    change(what, by);
  });
  subscribe('http.server.request.start', (message) => {
    const { request, response } = message as { readonly request: IncomingMessage; readonly response: ServerResponse };
    if (request.url?.startsWith('/v1/') !== true) return;
    change('request', 1);
    response.once('close', () => change('request', -1));
  });
  // A journal is listed before anything of it is recovered, and served from once it is.
  const readdir = fs.promises.readdir as (...given: readonly unknown[]) => unknown;
  let recovering = false;
  subscribe('tracing:net.server.listen:asyncEnd', () => {
    if (recovering) change('recovery', -1);
    recovering = false;
  });
  fs.promises.readdir = ((...given: readonly unknown[]) => {
    if (!recovering && isOfJournal(given[0])) {
      recovering = true;
      change('recovery', 1);
    }
    return readdir(...given);
  }) as typeof fs.promises.readdir;
  syncBuiltinESMExports();
}

function shiftClock(offsetMs: () => number): void {
  const real = Date;
  const now = (): number => real.now() + offsetMs();
  globalThis.Date = new Proxy(real, {
    apply: () => new real(now()).toString(),
    construct: (target, given: readonly unknown[], asked) =>
      Reflect.construct(target, given.length === 0 ? [now()] : [...given], asked) as Date,
    get: (target, name) => (name === 'now' ? now : (Reflect.get(target, name) as unknown)),
  });
}

function fillDisk(isFull: () => boolean): void {
  const { open } = fs.promises;
  fs.promises.open = async (path, flags, mode) => {
    const handle = await open(path, flags, mode);
    if (!isOfJournal(path)) return handle;
    const write = handle.write.bind(handle) as (...given: readonly unknown[]) => Promise<unknown>;
    handle.write = ((...given: readonly unknown[]) => (isFull() ? Promise.reject(noSpace()) : write(...given))) as typeof handle.write;
    return handle;
  };
  syncBuiltinESMExports();
}

function noSpace(): Error {
  return Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', errno: -28, syscall: 'write' });
}

function isOfJournal(path: unknown): boolean {
  return typeof path === 'string' && /\/journal(\/|$)/.test(path);
}
