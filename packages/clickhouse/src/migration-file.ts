/** A migration as it lies in its directory: a numbered file of SQL, one or several statements. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '@tokenledger/domain';

export interface MigrationFile {
  readonly version: number;
  /** Without number and suffix. */
  readonly name: string;
  readonly fileName: string;
  /** SHA-256 of its bytes, hex. */
  readonly checksum: string;
  readonly sql: string;
}

const FILE_NAME = /^([0-9]{4})_([a-z0-9_]+)\.sql$/;

/** In order of version. Files that do not end in `.sql` are not migrations. Throws `MIGRATION_FILE_INVALID`. */
export function readMigrationFiles(directory: string): readonly MigrationFile[] {
  const files = listSqlFiles(directory).map((fileName): MigrationFile => {
    const match = FILE_NAME.exec(fileName);
    if (!match)
      throw new AppError('MIGRATION_FILE_INVALID', `${fileName}: rename it to NNNN_name.sql, name in small letters, digits and _`);
    const bytes = readFileSync(join(directory, fileName));
    return {
      version: Number(match[1]),
      name: match[2]!,
      fileName,
      checksum: createHash('sha256').update(bytes).digest('hex'),
      sql: bytes.toString('utf8'),
    };
  });
  for (const [index, file] of files.entries()) {
    const before = files[index - 1];
    if (before?.version === file.version)
      throw new AppError('MIGRATION_FILE_INVALID', `${before.fileName} and ${file.fileName} have the same number: renumber the newer one`);
  }
  return files;
}

function listSqlFiles(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith('.sql'))
      .toSorted();
  } catch (error) {
    throw new AppError('MIGRATION_FILE_INVALID', `the directory of migrations ${directory} cannot be read`, { cause: error });
  }
}
