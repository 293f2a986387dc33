import { GraphQLInt, GraphQLNonNull, GraphQLObjectType, GraphQLString } from "graphql";
import type { ChainProgress, Mark } from "../read/progress.ts";
import type { QueryContext } from "./query-context.ts";
import { DateTime } from "./scalars/date-time.ts";

const BlockMark = new GraphQLObjectType<Mark>({
  name: "BlockMark",
  description: "A block up to which something holds.",
  fields: {
    block: {
      type: new GraphQLNonNull(GraphQLInt),
      description: "Its number.",
      resolve: ({ block }) => block,
    },
    time: {
      type: new GraphQLNonNull(DateTime),
      description: "Its time.",
      resolve: ({ at }) => at,
    },
  },
});

/** A chain and how fresh what is answered about it is. */
export const Chain = new GraphQLObjectType<ChainProgress, QueryContext>({
  name: "Chain",
  description: "A chain that is followed, and how fresh what is answered about it is.",
  fields: {
    chainId: {
      type: new GraphQLNonNull(GraphQLInt),
      description: "Its id.",
    },
    name: {
      type: new GraphQLNonNull(GraphQLString),
      description: "What it is called here.",
      resolve: ({ chainName }) => chainName,
    },
    indexed: {
      type: new GraphQLNonNull(BlockMark),
      description: "All events up to it are in.",
    },
    final: {
      type: new GraphQLNonNull(BlockMark),
      description: "No reorg reverts what happened up to it.",
    },
    verified: {
      type: BlockMark,
      description: "What is in up to it was compared with the chain itself; null when nothing was.",
    },
  },
});
