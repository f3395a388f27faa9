/** The content type that each ClickHouse format is answered with. */

export const DEFAULT_FORMAT = 'TabSeparated';

const TEXT = 'text/plain; charset=UTF-8';

const TYPES: readonly (readonly [RegExp, string])[] = [
  [
    /^(JSON|JSONStrings|JSONCompact|JSONCompactStrings|JSONColumns|JSONCompactColumns|JSONColumnsWithMetadata|JSONObjectEachRow|GeoJSON)$/i,
    'application/json; charset=UTF-8',
  ],
  [/^(JSON.*EachRow.*|NDJSON|JSONLines)$/i, 'application/x-ndjson; charset=UTF-8'],
  [/^(CSVWithNames|CSVWithNamesAndTypes)$/i, 'text/csv; charset=UTF-8; header=present'],
  [/^CSV$/i, 'text/csv; charset=UTF-8; header=absent'],
  [/^(TabSeparated|TSV)/i, 'text/tab-separated-values; charset=UTF-8'],
  [/^XML$/i, 'application/xml; charset=UTF-8'],
  [/^(Native|RowBinary.*|Parquet|Arrow|ArrowStream|ORC|Avro|MsgPack|BSONEachRow|Protobuf.*|CapnProto|Npy)$/i, 'application/octet-stream'],
];

export function contentType(format: string): string {
  return TYPES.find(([pattern]) => pattern.test(format))?.[1] ?? TEXT;
}
