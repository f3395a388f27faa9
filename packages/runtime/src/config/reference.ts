/** The reference page of the settings, written from the sections themselves. */
import type { Option, Section } from './section.ts';

/** Markdown: one table for each section. `intro` stands below the title. */
export function renderReference(sections: readonly Section[], intro: string): string {
  return ['# Configuration', '', intro.trim(), '', ...sections.flatMap(renderSection)].join('\n');
}

function renderSection(section: Section): readonly string[] {
  return [
    `## \`${section.name}\``,
    '',
    section.about,
    '',
    '| option | variable | default | value | meaning |',
    '| --- | --- | --- | --- | --- |',
    ...section.options.map(renderOption),
    '',
  ];
}

function renderOption(option: Option): string {
  const variables = [option.environment, option.alsoEnvironment].filter((variable) => variable !== undefined);
  const cells = [
    `\`${option.name}\``,
    variables.map((variable) => `\`${variable}\``).join(' or '),
    `\`${JSON.stringify(option.fallback)}\``,
    option.accepts,
    option.about,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
}
