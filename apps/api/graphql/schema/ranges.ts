import { GraphQLInputObjectType, GraphQLInt } from "graphql";
import { BigIntScalar } from "../scalars/big-int.ts";
import { DateTime } from "../scalars/date-time.ts";

export const BigIntRange = new GraphQLInputObjectType({
  name: "BigIntRange",
  description: "Amounts from one to another, both included; what is left out bounds nothing.",
  fields: {
    min: { type: BigIntScalar, description: "Not less." },
    max: { type: BigIntScalar, description: "Not more." },
  },
});

export const BlockRange = new GraphQLInputObjectType({
  name: "BlockRange",
  description: "Blocks from one to another, both included; what is left out bounds nothing.",
  fields: {
    min: { type: GraphQLInt, description: "Not before this block." },
    max: { type: GraphQLInt, description: "Not after this block." },
  },
});

export const DateTimeRange = new GraphQLInputObjectType({
  name: "DateTimeRange",
  description: "Times from one on and before another; what is left out bounds nothing.",
  fields: {
    from: { type: DateTime, description: "At this time or later." },
    before: { type: DateTime, description: "Earlier than this time." },
  },
});
