import { expect, test } from "vitest";
import { WRITTEN_TABLES } from "../../src/projections/row-changes.ts";
import { rowsUpTo } from "./rows-up-to.ts";

test.each(WRITTEN_TABLES)(
  "A replay says which rows of $table no later block has touched",
  (table) => {
    const compared = { name: table.table, columns: ["chain_id"], key: ["chain_id"] };
    expect(rowsUpTo("replayed", compared, "live", "replayed")).toContain(table.table);
  },
);
