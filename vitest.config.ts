import { defineConfig } from "vitest/config";

// Three projects: unit tests stand beside the code; integration tests use a real Postgres, anvil
// or Pub/Sub server in one process; e2e tests start the whole service as a user would.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "{src,config,db,engine,source,packages,apps,proof,supervisor,cli,local,contracts,scripts}/**/*.test.ts",
            "*.test.ts",
          ],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
