import { GraphQLError } from "graphql";

/** A mistake in the question, in the words of whoever asked it. */
export function badValue(message: string): GraphQLError {
  return new GraphQLError(message, {
    extensions: { code: "ES-REQUEST-BAD", http: { status: 400 } },
  });
}
