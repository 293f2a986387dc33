import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Also the schema of the stable views. */
export const VIEWS_SCHEMA = "escrow";

const root = join(import.meta.dirname, "..");

/**
 * The database schema of this build: a name made of everything that decides what is indexed, as
 * the engine sees it (ponder 0.17, `src/build/index.ts`): the sources of `ponder.config.ts` with
 * their ABIs, addresses and start blocks, the text of `ponder.schema.ts`, and every indexing file
 * in `src/` but `src/api` and tests. The chains' ids and the engine's version are added.
 *
 * So an unchanged build finds its own schema and resumes; a changed one gets a new schema and is
 * indexed beside the old one. Reads the configuration from `process.env` when first called.
 */
export async function deploymentSchema(): Promise<string> {
  const { default: config } = await import("../ponder.config.ts");
  const hash = createHash("sha256");
  hash.update(engineVersion());
  hash.update(
    JSON.stringify({
      ordering: config.ordering,
      contracts: config.contracts,
      chainIds: Object.entries(config.chains).map(([name, { id }]) => [name, id]),
    }),
  );
  hash.update(readFileSync(join(root, "ponder.schema.ts")));
  for (const file of indexingFiles()) hash.update(file).update(readFileSync(join(root, file)));
  return `${VIEWS_SCHEMA}_${hash.digest("hex").slice(0, 12)}`;
}

/** The files that the engine runs and hashes, in a fixed order, relative to the project. */
export function indexingFiles(): string[] {
  return globSync("src/**/*.{js,mjs,ts,mts}", { cwd: root })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => !file.startsWith("src/api/") && !/\.(test|spec)\./.test(file))
    .sort();
}

function engineVersion(): string {
  const manifest = join(root, "node_modules", "ponder", "package.json");
  return JSON.parse(readFileSync(manifest, "utf8")).version;
}
