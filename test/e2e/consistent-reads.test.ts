import { expect, test } from "vitest";
import { runRestarts } from "../forks/run-restarts.ts";

test("While the engine is killed and started again under traffic, nothing is retracted, lost or repeated, and clients that poll GraphQL and SQL never see the number of escrows fall [G-15]", async () => {
  const report = await runRestarts({ restarts: 3, seed: 1, progress: () => undefined });
  expect(report).toMatchObject({
    restarts: 3,
    ...{ retractions: 0, lost: 0, repeated: 0, differing: 0, reordered: 0, falls: 0, sqlFalls: 0 },
  });
  expect(report.graphql.answers).toBeGreaterThan(0);
  expect(report.sql.answers).toBeGreaterThan(0);
}, 900_000);
