import type { Queryable } from "../../db/queryable.ts";
import type { Child } from "../audit/followed-contracts.ts";

const PAGE_ROWS = 10_000;

/** Escrows that an event store knows up to a block, in the order in which they were announced. */
export async function knownChildren(
  db: Queryable,
  deployment: string,
  chainId: number,
  block: number,
): Promise<Child[]> {
  const children: Child[] = [];
  let last = { block: -1, id: "" };
  for (;;) {
    const { rows } = await db.query(
      `select stream, block_number, revision, id from "${deployment}".event
       where chain_id = $1 and type = 'EscrowDeployed' and block_number <= $2
         and (block_number, id collate "C") > ($3, $4)
       order by block_number, id collate "C" limit ${PAGE_ROWS}`,
      [chainId, block, last.block, last.id],
    );
    for (const row of rows)
      children.push({
        ...{ address: row.stream, revision: row.revision },
        announcedAt: Number(row.block_number),
      });
    const end = rows.at(-1);
    if (end === undefined || rows.length < PAGE_ROWS) return children;
    last = { block: Number(end.block_number), id: end.id };
  }
}
