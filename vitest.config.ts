import { defineConfig } from "vitest/config";

// Three projects: unit tests stand beside the code; integration tests use a real Postgres, anvil
// or Pub/Sub server in one process; e2e tests start the whole service as a user would.
//
// With COVERAGE=true the processes that tests start write down what they ran, too, for
// scripts/coverage-by-room.ts, which adds it to what ran in the tests' own processes.
const isCovered = process.env.COVERAGE === "true";
const project = process.argv[process.argv.indexOf("--project") + 1];
// Vite would take the package's ES modules, Node takes the others for everybody else: two of them do
// not know each other's types.
const resolve = { alias: [{ find: /^graphql$/, replacement: "graphql/index.js" }] };
const env = isCovered ? { NODE_V8_COVERAGE: `${import.meta.dirname}/coverage/processes` } : {};
// As `npm start` has it: compiling is a third of a process's start, and tests start a thousand. Each
// test file has a process of its own as well.
const execArgv = ["--import", `${import.meta.dirname}/scripts/compile-cache.mjs`];

export default defineConfig({
  test: {
    coverage: {
      enabled: isCovered,
      include: ["{src,config,db,engine,source,packages,apps,proof,supervisor,cli,local}/**/*.ts"],
      exclude: ["packages/*/dist/**"],
      reporter: ["json"],
      reportsDirectory: `coverage/${project}`,
      reportOnFailure: true,
    },
    projects: [
      {
        resolve,
        test: {
          name: "unit",
          env,
          include: [
            "{src,config,db,engine,source,packages,apps,proof,supervisor,cli,local,contracts,scripts}/**/*.test.ts",
            "*.test.ts",
          ],
          testTimeout: 60_000,
        },
      },
      {
        resolve,
        test: {
          name: "integration",
          env,
          execArgv,
          include: ["test/integration/**/*.test.ts"],
          // On two cores vitest would run one.
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        resolve,
        test: {
          name: "e2e",
          env,
          execArgv,
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
