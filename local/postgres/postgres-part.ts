import { type EmbeddedPart, portOf } from "../embedded-part.ts";
import { startPostgres } from "./start-postgres.ts";

/** Starts the PostgreSQL that stands in for `DATABASE_URL`. */
export async function startPostgresPart(
  env: Record<string, string | undefined>,
  dataDir: string,
): Promise<EmbeddedPart> {
  const postgres = await startPostgres({ dataDir, ...portOf(env.POSTGRES_PORT) });
  return {
    name: "PostgreSQL",
    line: `PostgreSQL  embedded: ${postgres.url}`,
    env: { DATABASE_URL: postgres.url },
    process: postgres.process,
    stop: () => postgres.stop(),
    // Its "immediate" shutdown: it ends its own processes, and recovers from its log at the start.
    kill: () => void postgres.process.kill("SIGQUIT"),
  };
}
