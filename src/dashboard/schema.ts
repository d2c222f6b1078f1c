/**
 * The part of JSON Schema that the API is described in. One description of each value serves for checking what comes in and
 * for the OpenAPI document, so that they can't disagree.
 */

type TypeName = 'string' | 'integer' | 'number' | 'boolean' | 'object' | 'array' | 'null';

export interface Schema {
  readonly $ref?: string;
  readonly type?: TypeName | readonly TypeName[];
  readonly description?: string;
  readonly format?: string;
  readonly enum?: readonly (string | null)[];
  readonly const?: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly oneOf?: readonly Schema[];
}

export type Schemas = Readonly<Record<string, Schema>>;

const PREFIX = '#/components/schemas/';

export function ref(name: string): Schema {
  return { $ref: `${PREFIX}${name}` };
}

/** What is wrong with `value`, and where; undefined if nothing is. */
export function problemOf(
  schema: Schema,
  value: unknown,
  schemas: Schemas = {},
  path = '',
): string | undefined {
  if (schema.$ref !== undefined)
    return problemOf(schemas[schema.$ref.slice(PREFIX.length)] ?? {}, value, schemas, path);
  if (schema.oneOf !== undefined) {
    const fits = schema.oneOf.some((one) => problemOf(one, value, schemas, path) === undefined);
    return fits ? undefined : at(path, 'has none of the forms that it may have');
  }
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.length > 0 && !types.some((type) => isOf(type, value)))
    return at(path, `must be ${types.map(named).join(' or ')}`);
  if (schema.const !== undefined && value !== schema.const) return at(path, `must be ${schema.const}`);
  if (schema.enum !== undefined && !schema.enum.includes(value as string | null))
    return at(path, `must be one of ${schema.enum.join(', ')}`);
  if (typeof value === 'string') return problemOfText(schema, value, path);
  if (typeof value === 'number') return problemOfNumber(schema, value, path);
  if (Array.isArray(value)) return problemOfList(schema, value, schemas, path);
  if (typeof value === 'object' && value !== null)
    return problemOfParts(schema, value as Readonly<Record<string, unknown>>, schemas, path);
  return undefined;
}

function isOf(type: TypeName, value: unknown): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'integer') return Number.isSafeInteger(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}

function named(type: TypeName): string {
  if (type === 'null') return 'null';
  return type === 'integer' ? 'a whole number' : /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`;
}

function problemOfText(
  { minLength = 0, maxLength = Infinity }: Schema,
  text: string,
  path: string,
): string | undefined {
  if (text.length < minLength) return at(path, 'must not be empty');
  return text.length > maxLength ? at(path, `may have at most ${maxLength} characters`) : undefined;
}

function problemOfNumber(
  { minimum = -Infinity, maximum = Infinity }: Schema,
  number: number,
  path: string,
): string | undefined {
  if (number < minimum) return at(path, `must be at least ${minimum}`);
  return number > maximum ? at(path, `must be at most ${maximum}`) : undefined;
}

function problemOfList(
  { items, minItems = 0, maxItems = Infinity }: Schema,
  list: readonly unknown[],
  schemas: Schemas,
  path: string,
): string | undefined {
  if (list.length < minItems) return at(path, `must have at least ${minItems} items`);
  if (list.length > maxItems) return at(path, `may have at most ${maxItems} items`);
  if (items === undefined) return undefined;
  return first(list.map((item, index) => () => problemOf(items, item, schemas, `${path}[${index}]`)));
}

function problemOfParts(
  { properties = {}, required = [], additionalProperties = true }: Schema,
  parts: Readonly<Record<string, unknown>>,
  schemas: Schemas,
  path: string,
): string | undefined {
  const inside = (part: string): string => (path === '' ? part : `${path}.${part}`);
  const missing = required.find((part) => !Object.hasOwn(parts, part));
  if (missing !== undefined) return at(inside(missing), 'is missing');
  return first(
    Object.entries(parts).map(([part, value]) => () => {
      const known = Object.hasOwn(properties, part) ? properties[part] : additionalProperties;
      if (known === false) return at(inside(part.slice(0, 40)), 'is not known here');
      return typeof known === 'object' ? problemOf(known, value, schemas, inside(part)) : undefined;
    }),
  );
}

function first(problems: readonly (() => string | undefined)[]): string | undefined {
  for (const problem of problems) {
    const found = problem();
    if (found !== undefined) return found;
  }
  return undefined;
}

function at(path: string, problem: string): string {
  return `${path === '' ? 'it' : path} ${problem}`;
}
