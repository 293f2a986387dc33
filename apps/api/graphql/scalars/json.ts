import { GraphQLScalarType } from "graphql";

export const Json = new GraphQLScalarType({
  name: "JSON",
  description: "A JSON object. Whole numbers of the contract's uint256 are decimal strings in it.",
});
