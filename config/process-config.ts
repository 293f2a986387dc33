import { type Section, section } from "./section.ts";

/** Where a server of ours listens; port 0 lets the system choose. */
export type Listening = { port: number; hostname: string };

export const databaseSection: Section<string> = section(["DATABASE_URL"], (read) =>
  read.get("DATABASE_URL"),
);

/** The database as a role that may make roles. */
export const adminSection: Section<string> = section(
  ["ADMIN_DATABASE_URL", "DATABASE_URL"],
  (read) => read.get("ADMIN_DATABASE_URL") ?? read.get("DATABASE_URL"),
);

export const indexerSection: Section<Listening> = section(
  ["INDEXER_PORT", "INDEXER_HOST"],
  (read) => ({ port: read.get("INDEXER_PORT"), hostname: read.get("INDEXER_HOST") }),
);

export const witnessSection: Section<Listening> = section(
  ["WITNESS_PORT", "WITNESS_HOST"],
  (read) => ({ port: read.get("WITNESS_PORT"), hostname: read.get("WITNESS_HOST") }),
);

/** Whether the witness heals what it finds. */
export const healSection: Section<boolean> = section(["WITNESS_HEALS"], (read) =>
  read.get("WITNESS_HEALS"),
);

export const logSection: Section<string> = section(["LOG_LEVEL"], (read) => read.get("LOG_LEVEL"));
