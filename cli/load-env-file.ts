import { existsSync } from "node:fs";
import { join } from "node:path";

/**
 * Reads `.env` of the project into the environment; what is set already stays. Imported first, so
 * that everything after it sees the same variables.
 */
const file = join(import.meta.dirname, "../.env");
if (existsSync(file)) process.loadEnvFile(file);
