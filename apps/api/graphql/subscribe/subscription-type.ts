import { GraphQLInt, GraphQLList, GraphQLNonNull, GraphQLObjectType } from "graphql";
import type { EscrowRow, EventRow } from "../../read/views.ts";
import { Chain } from "../chain-type.ts";
import { Address } from "../scalars/address.ts";
import { EventType } from "../schema/enums.ts";
import type { ChangeFeed } from "./change-feed.ts";

export type SubscriptionContext = { changes: ChangeFeed };

type EscrowArgs = { chainId?: number; address?: string; party?: string };
type EventArgs = { chainId?: number; escrow?: string; type?: string[] };

const CHAIN = { type: GraphQLInt, description: "On this chain." };

/** What can be subscribed to. A subscription says what changes while it lasts, and nothing from before. */
export function subscriptionType(types: { escrow: GraphQLObjectType; event: GraphQLObjectType }) {
  return new GraphQLObjectType<Record<string, unknown>, SubscriptionContext>({
    name: "Subscription",
    description:
      "What changes, as server-sent events. It is for screens: nothing from before, and nothing that happened while nobody listened. What has to act on every event reads Pub/Sub.",
    fields: {
      escrowChanged: {
        type: new GraphQLNonNull(types.escrow),
        description:
          "An escrow that has other events than before, by a new block or a reorg, as it is now.",
        args: {
          chainId: CHAIN,
          address: { type: Address, description: "This escrow." },
          party: { type: Address, description: "With this address in any role." },
        },
        subscribe: (_root, args: EscrowArgs, { changes }) =>
          changes.subscribe(({ escrows }) =>
            escrows.filter((row) => isAsked(row, args)).map((row) => ({ escrowChanged: row })),
          ),
      },
      eventAdded: {
        type: new GraphQLNonNull(types.event),
        description: "An event that was not there before. A reorg may remove it, unannounced.",
        args: {
          chainId: CHAIN,
          escrow: { type: Address, description: "About this escrow." },
          type: {
            type: new GraphQLList(new GraphQLNonNull(EventType)),
            description: "Of one of these types.",
          },
        },
        subscribe: (_root, args: EventArgs, { changes }) =>
          changes.subscribe(({ events }) =>
            events.filter((row) => isWanted(row, args)).map((row) => ({ eventAdded: row })),
          ),
      },
      progress: {
        type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(Chain))),
        description: "How far the chains are, whenever one of them gets further.",
        subscribe: (_root, _args, { changes }) =>
          changes.subscribe(({ chains }) => [{ progress: chains }]),
      },
    },
  });
}

function isAsked(row: EscrowRow, { chainId, address, party }: EscrowArgs): boolean {
  if (chainId != null && row.chain_id !== chainId) return false;
  if (address != null && row.address !== address) return false;
  return party == null || [row.payer, row.payee, row.arbiter].includes(party);
}

function isWanted(row: EventRow, { chainId, escrow, type }: EventArgs): boolean {
  if (chainId != null && row.chain_id !== chainId) return false;
  if (escrow != null && row.stream !== escrow) return false;
  return type == null || type.includes(row.type);
}
