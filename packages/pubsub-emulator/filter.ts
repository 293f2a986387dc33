import { invalidArgument } from "./grpc-error.ts";
import { LIMITS } from "./limits.ts";

/** Whether a message with these attributes passes. */
export type Filter = (attributes: ReadonlyMap<string, string>) => boolean;

interface Token {
  kind: "word" | "string" | "symbol" | "end";
  text: string;
  at: number;
}

/**
 * Parses a filter of a subscription (Pub/Sub docs, "Filter messages from a subscription").
 *
 *     expression = term { AND term } | term { OR term }     mixed only inside parentheses
 *     term       = [ NOT | - ] ( "(" expression ")" | condition )
 *     condition  = attributes:key | attributes.key = "v" | attributes.key != "v"
 *                | hasPrefix(attributes.key, "v")
 *
 * Keys are words of letters, digits, _ and -, or strings. Operators are upper-case. `!=` is the
 * negation of `=`: it also passes messages that lack the key.
 *
 * @throws INVALID_ARGUMENT naming the position of the first error
 */
export function parseFilter(source: string): Filter {
  if (Buffer.byteLength(source) > LIMITS.filterBytes) {
    throw invalidArgument(`The filter is longer than ${LIMITS.filterBytes} bytes.`);
  }
  const parser = new FilterParser(source);
  const filter = parser.expression();
  parser.expect("end");
  return filter;
}

class FilterParser {
  readonly #source: string;
  readonly #tokens: Token[];
  #next = 0;

  constructor(source: string) {
    this.#source = source;
    this.#tokens = tokenize(source);
  }

  expression(): Filter {
    const terms = [this.#term()];
    const operator = this.#peek().text;
    if (operator !== "AND" && operator !== "OR") return terms[0] as Filter;
    while (this.#accept("word", operator)) terms.push(this.#term());
    if (this.#peek().kind === "word") this.#fail("parentheses to combine AND with OR");
    return operator === "AND"
      ? (attributes) => terms.every((term) => term(attributes))
      : (attributes) => terms.some((term) => term(attributes));
  }

  #term(): Filter {
    if (this.#accept("word", "NOT") || this.#accept("symbol", "-")) {
      const negated = this.#term();
      return (attributes) => !negated(attributes);
    }
    if (this.#accept("symbol", "(")) {
      const inner = this.expression();
      this.expect("symbol", ")");
      return inner;
    }
    return this.#condition();
  }

  #condition(): Filter {
    if (this.#accept("word", "hasPrefix")) {
      this.expect("symbol", "(");
      this.expect("word", "attributes");
      this.expect("symbol", ".");
      const key = this.#key();
      this.expect("symbol", ",");
      const prefix = this.expect("string");
      this.expect("symbol", ")");
      return (attributes) => attributes.get(key)?.startsWith(prefix) ?? false;
    }
    this.expect("word", "attributes");
    if (this.#accept("symbol", ":")) {
      const key = this.#key();
      return (attributes) => attributes.has(key);
    }
    this.expect("symbol", ".");
    const key = this.#key();
    const negated = this.#accept("symbol", "!=");
    if (!negated) this.expect("symbol", "=");
    const value = this.expect("string");
    return (attributes) => (attributes.get(key) === value) !== negated;
  }

  #key(): string {
    return this.#peek().kind === "string" ? this.expect("string") : this.expect("word");
  }

  #peek(): Token {
    return this.#tokens[this.#next] as Token;
  }

  #accept(kind: Token["kind"], text: string): boolean {
    const token = this.#peek();
    if (token.kind !== kind || token.text !== text) return false;
    this.#next++;
    return true;
  }

  expect(kind: Token["kind"], text?: string): string {
    const token = this.#peek();
    if (token.kind !== kind || (text !== undefined && token.text !== text)) {
      this.#fail(text ?? (kind === "end" ? "the end" : `a ${kind}`));
    }
    this.#next++;
    return token.text;
  }

  #fail(expected: string): never {
    throw invalidFilter(this.#source, this.#peek().at, `expected ${expected}`);
  }
}

const invalidFilter = (source: string, at: number, reason: string): Error =>
  invalidArgument(`Invalid filter at character ${at + 1}: ${reason} (filter=${source})`);

const TOKEN =
  /\s*(?:("(?:[^"\\]|\\.)*")|(!=|[().,:=])|(-)(?=\s*(?:attributes|hasPrefix|\(|NOT))|([\w-]+))/sy;

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  const end = source.trimEnd().length;
  const skipSpace = (from: number): number =>
    from + (/^\s*/.exec(source.slice(from))?.[0].length ?? 0);
  TOKEN.lastIndex = 0;
  let at = 0;
  while (at < end) {
    const match = TOKEN.exec(source);
    if (match === null) throw invalidFilter(source, skipSpace(at), "unexpected character");
    const [all, string, symbol, minus, word] = match;
    const start = skipSpace(at);
    if (string !== undefined)
      tokens.push({ kind: "string", text: unescapeString(string), at: start });
    else if (word !== undefined) tokens.push({ kind: "word", text: word, at: start });
    else tokens.push({ kind: "symbol", text: (symbol ?? minus) as string, at: start });
    at += all.length;
  }
  tokens.push({ kind: "end", text: "", at: end });
  return tokens;
}

const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([0-7]{1,3})|(.))/gs;
const NAMED: Record<string, string> = { n: "\n", r: "\r", t: "\t", f: "\f", b: "\b", v: "\v" };

function unescapeString(literal: string): string {
  return literal
    .slice(1, -1)
    .replace(ESCAPE, (_, unicode, hex, octal, named) =>
      named === undefined
        ? String.fromCodePoint(Number.parseInt(unicode ?? hex ?? octal, octal ? 8 : 16))
        : (NAMED[named] ?? named),
    );
}
