/** What an element holds: its text, or what is in it by name, a list where a name comes more than once. */
export type XmlValue = string | XmlContent | readonly XmlValue[];

/** What is in an element by name. */
export interface XmlContent {
  readonly [name: string]: XmlValue;
}

interface OpenElement {
  readonly name: string;
  readonly content: Record<string, XmlValue>;
  text: string;
}

/** A declaration or a comment, a tag, or text. */
const TOKENS =
  /<\?[^]*?\?>|<!--[^]*?-->|<(?<end>\/?)(?<name>[\w.:-]+)(?:"[^"]*"|'[^']*'|[^'"<>])*?(?<empty>\/?)>|[^<]+/y;

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

/**
 * Reads the XML of S3's answers, for the SDK where its own build wants a `DOMParser` that the runtime does not have.
 * Leaves out attributes, which mean nothing there. Returns what the root element holds; throws a `SyntaxError` for
 * what is no such XML.
 */
export function parseXml(text: string): XmlValue {
  const root = openElement("");
  const open = [root];
  for (const { 0: token, groups = {} } of tokensOf(text)) {
    const { end, name, empty } = groups;
    if (name === undefined) {
      if (!token.startsWith("<")) open.at(-1)!.text += decodeEntities(token);
      continue;
    }
    if (end !== "/") open.push(openElement(name));
    if (end !== "/" && empty !== "/") continue;
    const closed = open.pop()!;
    if (closed.name !== name) throw new SyntaxError(`Cannot read XML: </${name}> ends nothing`);
    add(open.at(-1)!.content, name, valueOf(closed));
  }
  const [value] = Object.values(root.content);
  if (open.length > 1 || value === undefined) {
    throw new SyntaxError("Cannot read XML: it ends early");
  }
  return value;
}

function* tokensOf(text: string): Generator<RegExpExecArray> {
  const tokens = new RegExp(TOKENS);
  while (tokens.lastIndex < text.length) {
    const position = tokens.lastIndex;
    const token = tokens.exec(text);
    if (!token) throw new SyntaxError(`Cannot read XML: what is at ${position} is no tag`);
    yield token;
  }
}

function openElement(name: string): OpenElement {
  return { name, content: Object.create(null), text: "" };
}

function valueOf({ content, text }: OpenElement): XmlValue {
  return Object.keys(content).length > 0 ? content : text;
}

function add(content: Record<string, XmlValue>, name: string, value: XmlValue): void {
  const before = content[name];
  if (before === undefined) content[name] = value;
  else if (Array.isArray(before)) before.push(value);
  else content[name] = [before, value];
}

function decodeEntities(text: string): string {
  return text.replace(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi, (entity, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name] ?? entity;
    return String.fromCodePoint(Number.parseInt(hex ?? decimal, hex === undefined ? 10 : 16));
  });
}
