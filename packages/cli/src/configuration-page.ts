/** docs/configuration.md, made from the sections. Run as a program (`npm run docs:config`) it writes the page. */
import { writeFileSync } from 'node:fs';
import { renderReference } from '@tokenledger/runtime';
import { REPOSITORY } from './repository.ts';
import { SECTIONS } from './settings.ts';

const INTRO = `
Every option has a default. A value comes from, in this order: a flag of the command line, an environment variable, the config file,
the default. The config file is YAML: \`--config FILE\` (or \`TOKENLEDGER_CONFIG\`) names it, else \`tokenledger.yaml\` in the working
directory is read if there is one. \`tokenledger up --check-config\` checks it and starts nothing. An unknown or wrong field is refused
with exit code 2 and a line that says where it stands. [deploy/tokenledger.example.yaml](../deploy/tokenledger.example.yaml) shows every section.

In a variable, a list is written with commas or as JSON, and an object as JSON; an empty variable counts as unset.

This page is written by \`npm run docs:config\`.
`;

export function configurationPage(): string {
  return renderReference(SECTIONS, INTRO);
}

if (import.meta.main) writeFileSync(REPOSITORY.configurationPage, configurationPage());
