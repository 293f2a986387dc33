import { join } from "node:path";
import { type EmbeddedPart, portOf } from "../embedded-part.ts";
import { setUpEmbeddedRoles } from "./embedded-roles.ts";
import { startPostgres } from "./start-postgres.ts";
import { superuserPassword } from "./superuser.ts";

/**
 * Starts the PostgreSQL that stands in for `DATABASE_URL`, with a role for each process.
 *
 * @param folder the data folder
 */
export async function startPostgresPart(
  env: Record<string, string | undefined>,
  folder: string,
): Promise<EmbeddedPart> {
  const postgres = await startPostgres({
    dataDir: join(folder, "postgres"),
    password: superuserPassword(folder),
    ...portOf(env.POSTGRES_PORT),
  });
  const urls = await setUpEmbeddedRoles(postgres.url).catch(async (error) => {
    await postgres.stop();
    throw error;
  });
  return {
    name: "PostgreSQL",
    line: `PostgreSQL  embedded: ${urls.reader}`,
    env: {
      DATABASE_URL: urls.indexer,
      RELAY_DATABASE_URL: urls.relay,
      API_DATABASE_URL: urls.api,
    },
    process: postgres.process,
    stop: () => postgres.stop(),
    // Its "immediate" shutdown: it ends its own processes, and recovers from its log at the start.
    kill: () => void postgres.process.kill("SIGQUIT"),
  };
}
