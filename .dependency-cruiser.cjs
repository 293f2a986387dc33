/*
 * Which room may import what. A room's README says it in words; this file enforces it.
 *
 *   packages ← config, db ← engine ← source ← proof, supervisor ← cli        local beside supervisor
 *   src: itself and the schema. apps: packages, config, db, pure folds. Nothing imports test.
 */

/** The rooms below each room, of ours; the root's files count as `.`. */
const MAY_IMPORT = {
  abis: [],
  contracts: ["abis"],
  config: ["deployments.ts", "packages"],
  db: ["config", "packages"],
  engine: [
    "config",
    "db",
    "packages",
    "abis",
    "ponder.(schema|config).ts",
    "src/(events|projections|outbox)",
  ],
  source: ["config", "db", "engine", "packages", "abis", "src/events"],
  local: ["config", "db", "abis", "contracts", "packages"],
  proof: [
    ...["config", "db", "engine", "source", "packages", "abis", "ponder.schema.ts"],
    "src/(events|projections|outbox)",
  ],
  supervisor: ["config", "db", "engine", "local", "packages", "source"],
  apps: ["packages", "config", "db", "src/(events|projections)"],
  examples: ["packages"],
};

const TESTS = "\\.test\\.ts$";
const ROOMS =
  "^(abis|apps|bench|cli|config|contracts|db|deployments\\.ts|engine|examples|local|packages|ponder\\.config\\.ts|ponder\\.schema\\.ts|proof|scripts|source|src|supervisor|test)(/|$)";

module.exports = {
  forbidden: [
    {
      name: "no-circle",
      comment: "Two files that need each other are one, or hide a third.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    ...Object.entries(MAY_IMPORT).map(([room, others]) => ({
      name: `${room}-imports`,
      comment: `${room}/ may import ${["itself", ...others].join(", ")}.`,
      severity: "error",
      from: { path: `^${room}/`, pathNot: TESTS },
      to: { path: ROOMS, pathNot: `^(${[room, ...others].join("|")})(/|$)` },
    })),
    {
      name: "src-imports",
      comment:
        "The engine hashes src/ and the schema alone: rows must not depend on anything else.",
      severity: "error",
      from: { path: "^src/", pathNot: TESTS },
      to: { path: ROOMS, pathNot: "^(src/|ponder\\.schema\\.ts$)" },
    },
    {
      name: "package-imports",
      comment: "A package is published alone: another package of ours only by its name.",
      severity: "error",
      from: { path: "^packages/([^/]+)/", pathNot: TESTS },
      to: { path: ROOMS, pathNot: "^packages/$1/", dependencyTypesNot: ["aliased-workspace"] },
    },
    {
      name: "front-doors",
      comment: "Outside its folder a package is what its `exports` say, as for anybody else.",
      severity: "error",
      from: { pathNot: ["^packages/", "^test/", TESTS] },
      to: {
        path: "^packages/(consumer|messages|pubsub-emulator)/",
        dependencyTypesNot: ["aliased-workspace"],
      },
    },
    {
      name: "nothing-imports-test",
      comment: "Production code does not need its tests.",
      severity: "error",
      from: { path: ROOMS, pathNot: ["^test/", "^bench/", TESTS] },
      to: { path: ["^test/", TESTS] },
    },
    {
      name: "no-missing-module",
      severity: "error",
      from: {},
      to: { couldNotResolve: true, pathNot: "^ponder[:/]" },
    },
  ],
  options: {
    // Knip sees that a package names what it imports; this tells workspaces apart.
    combinedDependencies: true,
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(bench/(contenders|plain-ponder|plain-serve)|packages/[^/]+/dist)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      extensions: [".ts", ".mjs", ".js", ".cjs", ".json"],
      conditionNames: ["source", "import", "node", "default"],
      exportsFields: ["exports"],
    },
  },
};
