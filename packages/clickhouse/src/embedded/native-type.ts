/** How many bytes the values of a ClickHouse type take in the Native format. https://clickhouse.com/docs/interfaces/formats/Native */
import { EngineError } from './engine-error.ts';

export type NativeType =
  | { readonly kind: 'fixed'; readonly bytes: number }
  | { readonly kind: 'string' }
  /** A byte per value that says whether it is null, then the values. */
  | { readonly kind: 'nullable'; readonly of: NativeType }
  /** An offset of eight bytes per value, then the elements of all of them. */
  | { readonly kind: 'array'; readonly of: NativeType }
  /** Batches of a dictionary and, for each value, its place in it. `of` is the type of the dictionary's entries, which are never null. */
  | { readonly kind: 'low_cardinality'; readonly of: NativeType }
  /** One element after another, all values of each. */
  | { readonly kind: 'tuple'; readonly of: readonly NativeType[] };

const FIXED: Readonly<Record<string, number>> = {
  Nothing: 1,
  Bool: 1,
  UInt8: 1,
  Int8: 1,
  Enum8: 1,
  UInt16: 2,
  Int16: 2,
  Enum16: 2,
  BFloat16: 2,
  Date: 2,
  UInt32: 4,
  Int32: 4,
  Float32: 4,
  Date32: 4,
  DateTime: 4,
  Time: 4,
  IPv4: 4,
  UInt64: 8,
  Int64: 8,
  Float64: 8,
  DateTime64: 8,
  Time64: 8,
  UInt128: 16,
  Int128: 16,
  UUID: 16,
  IPv6: 16,
  UInt256: 32,
  Int256: 32,
};

const POINT = 'Tuple(Float64, Float64)';
const ALIASES: Readonly<Record<string, string>> = {
  Point: POINT,
  Ring: `Array(${POINT})`,
  LineString: `Array(${POINT})`,
  Polygon: `Array(Array(${POINT}))`,
  MultiLineString: `Array(Array(${POINT}))`,
  MultiPolygon: `Array(Array(Array(${POINT})))`,
};

/** Throws `EngineError` for a type whose values only the engine can measure. */
export function readNativeType(type: string): NativeType {
  const open = type.indexOf('(');
  const name = open === -1 ? type : type.slice(0, open);
  const args = open === -1 ? [] : splitArguments(type.slice(open + 1, type.lastIndexOf(')')));
  const fixed = FIXED[name] ?? (name.startsWith('Interval') ? 8 : undefined);
  if (fixed !== undefined) return { kind: 'fixed', bytes: fixed };
  const alias = ALIASES[name];
  if (alias !== undefined) return readNativeType(alias);
  switch (name) {
    case 'String':
      return { kind: 'string' };
    case 'FixedString':
      return { kind: 'fixed', bytes: Number(args[0]) };
    case 'Decimal':
      return { kind: 'fixed', bytes: decimalBytes(Number(args[0])) };
    case 'Nullable':
      return { kind: 'nullable', of: readNativeType(args[0] ?? '') };
    case 'LowCardinality': {
      const of = readNativeType(args[0] ?? '');
      return { kind: 'low_cardinality', of: of.kind === 'nullable' ? of.of : of };
    }
    case 'Array':
      return { kind: 'array', of: readNativeType(args[0] ?? '') };
    case 'Map':
      return { kind: 'array', of: { kind: 'tuple', of: args.map(readNativeType) } };
    case 'Tuple':
      return { kind: 'tuple', of: args.map((arg) => readNativeType(dropElementName(arg))) };
    case 'Nested':
      return { kind: 'array', of: { kind: 'tuple', of: args.map((arg) => readNativeType(dropElementName(arg))) } };
    case 'SimpleAggregateFunction':
      return readNativeType(args.at(-1) ?? '');
    default:
      throw EngineError.refusal(
        'NOT_IMPLEMENTED',
        `The type ${type} is not supported in the Native format here: convert it with toString() or finalizeAggregation().`,
      );
  }
}

/** Each low-cardinality part of a column has eight bytes in front of all its values: the version of its encoding. */
export function prefixBytes(type: NativeType): number {
  switch (type.kind) {
    case 'fixed':
    case 'string':
      return 0;
    case 'low_cardinality':
      return 8;
    case 'nullable':
    case 'array':
      return prefixBytes(type.of);
    case 'tuple':
      return type.of.reduce((sum, element) => sum + prefixBytes(element), 0);
    default:
      return type satisfies never;
  }
}

function decimalBytes(precision: number): number {
  if (precision <= 9) return 4;
  if (precision <= 18) return 8;
  return precision <= 38 ? 16 : 32;
}

/** An element of a tuple may have a name in front: `cost Decimal(38, 12)`, `` `a b` UInt8 ``. */
function dropElementName(element: string): string {
  return element.replace(/^(?:`(?:[^`\\]|\\.|``)*`|[A-Za-z_][A-Za-z0-9_]*) (?=[A-Z])/, '');
}

/** Splits at commas that are in no parentheses and no quotes. */
function splitArguments(text: string): readonly string[] {
  const parts: string[] = [];
  let [depth, start, quote] = [0, 0, ''];
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (quote !== '') {
      if (char === '\\') at++;
      else if (char === quote) quote = '';
    } else if (char === "'" || char === '`') quote = char;
    else if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (char === ',' && depth === 0) {
      parts.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  return [...parts, text.slice(start).trim()];
}
