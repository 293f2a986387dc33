import { equal } from "../../read/conditions.ts";
import type { ApprovalRow } from "../../read/views.ts";
import { approvalRow } from "../rows/approval.ts";
import { Address } from "../scalars/address.ts";
import type { Collection } from "../schema/collection.ts";

type Filter = { approver?: string };

export const approvals: Collection<ApprovalRow> = {
  row: approvalRow,
  orders: {
    ORDINAL: { column: "ordinal", description: "In the order in which they came." },
  },
  defaultOrder: { by: "ORDINAL", direction: "asc" },
  filter: {
    approver: { type: Address, description: "By this address." },
  },
  conditions: ({ approver }: Filter) => [equal("approver", approver)],
};
