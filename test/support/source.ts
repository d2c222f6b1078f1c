/**
 * The library's own sources as facts (who imports whom, which strings and names occur), for the tests that hold the
 * architecture. They are parsed, so that comments don't count and strings can be told from code.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseSync, visitorKeys } from 'oxc-parser';

export interface Found {
  readonly text: string;
  readonly line: number;
}

/** What a template puts into its text. */
export interface Interpolation extends Found {
  /** The text of the template around it, with `?` for all that it interpolates. */
  readonly inside: string;
  /** Whether it stands between quotes, as a literal of SQL would. */
  readonly quoted: boolean;
}

export interface SourceFile {
  /** From the repository's root: `src/core/task.ts`. */
  readonly path: string;
  readonly lines: number;
  /** What it imports, exports from, or names in a type: a path like ours if it is relative, else as written. */
  readonly imports: readonly Found[];
  /** String literals, and templates with `?` for what they interpolate. */
  readonly strings: readonly Found[];
  readonly interpolations: readonly Interpolation[];
  /** Texts that are put together with `+`. */
  readonly concatenations: readonly Found[];
  /** Identifiers and members (`Date.now`), without the names of properties being defined. */
  readonly names: readonly Found[];
  /** What is called, as written: `client.query`; with `new ` before constructors, and `()` behind if nothing is passed. */
  readonly calls: readonly Found[];
  /** The first strings of array literals: how columns are named in tables of data. */
  readonly heads: readonly Found[];
  readonly topLevelAwaits: readonly Found[];
}

const ROOT = join(import.meta.dirname, '..', '..');

export function readSources(): readonly SourceFile[] {
  const paths = globSync('src/**/*.ts', { cwd: ROOT }).filter((path) => !path.endsWith('.generated.ts'));
  return paths.toSorted().map(readSource);
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/** Where a node stands: the node around it, under which key, and whether a function is around both. */
interface Place {
  readonly parent: Node | undefined;
  readonly key: string;
  readonly inFunction: boolean;
}

type Facts = { [List in Exclude<keyof SourceFile, 'path' | 'lines' | 'interpolations'>]: Found[] } & {
  interpolations: Interpolation[];
};

function readSource(path: string): SourceFile {
  const code = readFileSync(join(ROOT, path), 'utf8');
  const { program, errors } = parseSync(path, code, { sourceType: 'module' });
  if (errors.length > 0) throw new Error(`${path} can't be parsed: ${errors[0]?.message}`);
  const facts: Facts = {
    imports: [],
    strings: [],
    interpolations: [],
    concatenations: [],
    names: [],
    calls: [],
    heads: [],
    topLevelAwaits: [],
  };
  walk(program as unknown as Node, { parent: undefined, key: '', inFunction: false }, (node, place) => {
    const add = (list: Found[], text: string): void => {
      list.push({ text, line: code.slice(0, node.start).split('\n').length });
    };
    const written = (part: Node): string => code.slice(part.start, part.end);
    collect(node, place, path, facts, add, written);
    if (node.type === 'TemplateLiteral') {
      const line = code.slice(0, node.start).split('\n').length;
      facts.interpolations.push(...interpolations(node, written).map((found) => ({ ...found, line })));
    }
  });
  return { path, lines: code.trimEnd().split('\n').length, ...facts };
}

function walk(node: Node, place: Place, visit: (node: Node, place: Place) => void): void {
  visit(node, place);
  const inFunction = place.inFunction || /Function|MethodDefinition|PropertyDefinition/.test(node.type);
  for (const key of visitorKeys[node.type] ?? []) {
    for (const child of [node[key]].flat()) {
      if (isNode(child)) walk(child, { parent: node, key, inFunction }, visit);
    }
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value;
}

function collect(
  node: Node,
  place: Place,
  path: string,
  facts: Facts,
  add: (list: Found[], text: string) => void,
  written: (node: Node) => string,
): void {
  if (isNode(node['source']) && typeof node['source']['value'] === 'string') {
    add(facts.imports, resolved(path, node['source']['value']));
  }
  if (node.type === 'Literal' && typeof node['value'] === 'string' && place.key !== 'source') {
    add(facts.strings, node['value']);
    if (place.parent?.type === 'ArrayExpression' && isFirst(node, place.parent))
      add(facts.heads, node['value']);
  } else if (node.type === 'TemplateLiteral') {
    add(facts.strings, templateText(node));
  } else if (node.type === 'BinaryExpression' && node['operator'] === '+') {
    add(facts.concatenations, written(node));
  } else if (node.type === 'Identifier' && !isDefinedProperty(place)) {
    add(facts.names, written(node));
  } else if (node.type === 'MemberExpression') {
    add(facts.names, written(node));
  } else if (node.type === 'CallExpression' || node.type === 'NewExpression') {
    const callee = (node.type === 'NewExpression' ? 'new ' : '') + written(node['callee'] as Node);
    add(facts.calls, (node['arguments'] as unknown[]).length === 0 ? `${callee}()` : callee);
  } else if (isAwait(node) && !place.inFunction) {
    add(facts.topLevelAwaits, 'await');
  }
}

function isFirst(node: Node, array: Node): boolean {
  return (array['elements'] as unknown[])[0] === node;
}

/** A property's name says nothing about what the code uses, where it's written down or where it's read. */
function isDefinedProperty({ parent, key }: Place): boolean {
  if (parent === undefined || parent['computed'] === true) return false;
  return key === 'key' || (key === 'property' && parent.type === 'MemberExpression');
}

function isAwait(node: Node): boolean {
  return node.type === 'AwaitExpression' || (node.type === 'ForOfStatement' && node['await'] === true);
}

function interpolations(node: Node, written: (node: Node) => string): readonly Omit<Interpolation, 'line'>[] {
  const parts = (node['quasis'] as readonly { value: { cooked: string } }[]).map(({ value }) => value.cooked);
  return (node['expressions'] as readonly Node[]).map((expression, index) => ({
    text: written(expression).replaceAll(/\s+/g, ' '),
    inside: templateText(node),
    quoted: parts[index]?.endsWith("'") === true && parts[index + 1]?.startsWith("'") === true,
  }));
}

function templateText(node: Node): string {
  const parts = node['quasis'] as readonly { value: { cooked: string } }[];
  return parts.map(({ value }) => value.cooked).join('?');
}

function resolved(from: string, specifier: string): string {
  return specifier.startsWith('.') ? join(dirname(from), specifier) : specifier;
}
