import { describe, expect, it } from 'vitest';
import { javaMajor } from './machine.ts';
import { chooseJars, chooseKafka, type JarSource, type Machine } from './source.ts';

const bare: Machine = { brokers: undefined, containers: false, java: undefined, cachedJars: undefined, maven: undefined, ci: false };
const java = { command: 'java', major: 21 };
const everything: Machine = { brokers: 'a:9092,b:9092', containers: true, java, cachedJars: 'jars', maven: 'mvn', ci: true };

describe('the choice of a Kafka', () => {
  it.each<readonly [string, Partial<Machine>, ReturnType<typeof chooseKafka>]>([
    ['a named one before all', everything, { kind: 'given', brokers: 'a:9092,b:9092' }],
    ['a container when none is named', { ...everything, brokers: undefined }, { kind: 'container' }],
    ['a container when the variable is blank', { ...everything, brokers: ' ' }, { kind: 'container' }],
    ['jars that are here when no container runs', { java, cachedJars: 'jars', maven: 'mvn' }, jarsFrom({ kind: 'cached', folder: 'jars' })],
    ['jars by Maven when none are here', { java, maven: 'mvn' }, jarsFrom({ kind: 'maven', command: 'mvn' })],
    ['jars that are here without Maven', { java, cachedJars: 'jars' }, jarsFrom({ kind: 'cached', folder: 'jars' })],
    [
      'the oldest Java that Kafka runs on',
      { java: { command: 'java', major: 17 }, maven: 'mvn' },
      jarsFrom({ kind: 'maven', command: 'mvn' }),
    ],
  ])('takes %s', (_name, has, chosen) => {
    expect(chooseKafka({ ...bare, ...has })).toEqual(chosen);
  });

  it.each<readonly [string, Partial<Machine>]>([
    ['there is no Java', { maven: 'mvn', cachedJars: 'jars' }],
    ['Java 11 is too old', { java: { command: 'java', major: 11 }, maven: 'mvn', cachedJars: 'jars' }],
    ['there is no Maven', { java }],
  ])('is a skip that says %s, and a failure in CI', (reason, has) => {
    const skipped = chooseKafka({ ...bare, ...has });
    expect(skipped).toEqual({ kind: 'missing', reason: expect.stringContaining(reason) as string, fails: false });
    expect(chooseKafka({ ...bare, ...has, ci: true })).toEqual({ ...skipped, fails: true });
  });

  it('takes jars for a broker with settings of its own, whatever else there is', () => {
    expect(chooseJars(everything)).toEqual(jarsFrom({ kind: 'cached', folder: 'jars' }));
  });
});

describe('the version of Java', () => {
  it.each([
    ['openjdk version "17.0.15" 2025-04-15', 17],
    ['java version "1.8.0_402"', 8],
    ['openjdk version "26-ea" 2026-03-17', 26],
    ['The operation couldn’t be completed. Unable to locate a Java Runtime.', undefined],
    [undefined, undefined],
  ])('is read from %j as %s', (text, major) => {
    expect(javaMajor(text)).toBe(major);
  });
});

function jarsFrom(jars: JarSource): ReturnType<typeof chooseKafka> {
  return { kind: 'jars', java: 'java', jars };
}
