import { expect, test } from "vitest";
import { manyDeals } from "../../test/support/many-deals.ts";
import { projectEvents } from "../../test/support/project-events.ts";
import { type StoredEvent, UnreadableEvent } from "../events/upcast.ts";
import { EscrowFold } from "./escrow-fold.ts";

const tables = projectEvents(manyDeals(1, 1));
const rows = [...tables.rowsOf("event").values()] as StoredEvent[];

test("An escrow that is folded row by row is what the read models hold, and so are its approvals", () => {
  const fold = new EscrowFold();
  for (const row of rows) fold.add(row);
  expect([fold.state]).toEqual([...tables.escrows.values()]);
  expect(fold.approvals).toEqual([...tables.approvals.values()]);
});

test("A hole in a stream stops the fold before it makes a state that never was", () => {
  const fold = new EscrowFold();
  const [first, , third] = rows as [StoredEvent, StoredEvent, StoredEvent];
  fold.add(first);
  expect(() => fold.add(third)).toThrow(UnreadableEvent);
  expect(() => fold.add(third)).toThrow("is number 3 of the stream");
  expect(fold.state?.version).toBe(1);
});
