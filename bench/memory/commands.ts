import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";

/** Where the commands run: a database with a deployment, and a folder for their files. */
export type Ground = { databaseUrl: string; folder: string };

/** A command that goes through everything that is stored. Exit code 0 says that it found all of it. */
export type Command = {
  name: string;
  /** File name in `cli/` without its ending. */
  main: string;
  args: (ground: Ground) => string[];
  /** Leaves out the processes that it starts: the engine's memory is the engine's own. */
  isAlone?: boolean;
  /** Undoes what the next ones must not meet. */
  after?: (ground: Ground) => void;
};

/** Schema that the import fills. */
const COPY = "copy";

const exportFile = ({ folder }: Ground): string => join(folder, "events.ndjson");
const certificate = ({ folder }: Ground): string => join(folder, "certificate.json");

/** In their order: the import takes what the export wrote. */
export const COMMANDS: readonly Command[] = [
  { name: "verify", main: "verify", args: () => ["--no-topic"] },
  { name: "rebuild", main: "rebuild", args: () => [] },
  { name: "export", main: "export", args: (ground) => ["--out", exportFile(ground)] },
  {
    name: "import",
    main: "import",
    args: (ground) => [exportFile(ground), "--schema", COPY],
    after: (ground) => rmSync(exportFile(ground), { force: true }),
  },
  { name: "audit", main: "audit", args: (ground) => ["--out", certificate(ground)] },
  {
    name: "audit --check",
    main: "audit",
    args: (ground) => ["--check", certificate(ground)],
    after: (ground) => rmSync(certificate(ground), { force: true }),
  },
  { name: "replay", main: "replay", args: () => ["--dry-run"], isAlone: true },
];

/** Whether a command can run when only some are wanted: the files that it takes are there. */
export function canRun({ name }: Command, ground: Ground): boolean {
  if (name === "import") return existsSync(exportFile(ground));
  return name !== "audit --check" || existsSync(certificate(ground));
}
