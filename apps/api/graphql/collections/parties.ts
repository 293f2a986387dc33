import { GraphQLInt } from "graphql";
import { equal } from "../../read/conditions.ts";
import type { PartyRow } from "../../read/views.ts";
import { partyRow } from "../rows/party.ts";
import { Address } from "../scalars/address.ts";
import type { Collection } from "../schema/collection.ts";

type Filter = { chainId?: number; address?: string };

export const parties: Collection<PartyRow> = {
  row: partyRow,
  orders: { ADDRESS: { column: "chain_id", description: "By chain and address: never changes." } },
  defaultOrder: { by: "ADDRESS", direction: "asc" },
  filter: {
    chainId: { type: GraphQLInt, description: "On this chain." },
    address: { type: Address, description: "This address, on every chain." },
  },
  conditions: ({ chainId, address }: Filter) => [
    [...equal("chain_id", chainId), ...equal("address", address)],
  ],
};
