import { GraphQLScalarType, Kind } from "graphql";
import { badValue } from "../bad-value.ts";

type TextScalar = {
  name: string;
  description: string;
  specifiedByURL?: string;
  /** A value as it is stored to a value as it is answered. */
  serialize?: (stored: unknown) => unknown;
  /** What the database is asked with; null for a text that is no such value. */
  parse: (text: string) => string | null;
  /** What is expected, for the error. */
  expected: string;
  /** Whether whole numbers are taken as well. */
  takesNumbers?: boolean;
};

/** A scalar that is text in JSON. */
export function textScalar(scalar: TextScalar): GraphQLScalarType<string, unknown> {
  const { name, description, specifiedByURL = null, parse, expected, takesNumbers } = scalar;
  const read = (value: unknown): string => {
    const isNumber = takesNumbers && Number.isSafeInteger(value);
    const text = typeof value === "string" || isNumber ? String(value) : null;
    const parsed = text === null || text.length > 200 ? null : parse(text);
    if (parsed === null)
      throw badValue(`${JSON.stringify(value)?.slice(0, 200)} is not ${expected}`);
    return parsed;
  };
  return new GraphQLScalarType({
    name,
    description,
    specifiedByURL,
    serialize: scalar.serialize ?? String,
    parseValue: read,
    parseLiteral: (node) => {
      if (node.kind === Kind.STRING) return read(node.value);
      if (node.kind === Kind.INT && takesNumbers) return read(node.value);
      throw badValue(`${name} takes text: ${expected}`);
    },
  });
}
