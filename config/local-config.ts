import { type Section, section } from "./section.ts";

/** Ports of the embedded parts; 0 lets the system choose. */
export type LocalConfig = { postgresPort: number; pubsubPort: number; chainPort: number };

export const localSection: Section<LocalConfig> = section(
  ["POSTGRES_PORT", "PUBSUB_PORT", "CHAIN_PORT"],
  (read) => ({
    postgresPort: read.get("POSTGRES_PORT"),
    pubsubPort: read.get("PUBSUB_PORT"),
    chainPort: read.get("CHAIN_PORT"),
  }),
);

/** Folder of the embedded parts, and of the file that says where a running stack is. */
export const dataDirSection: Section<string> = section(["DATA_DIR"], (read) =>
  read.get("DATA_DIR"),
);
