import "./load-env-file.ts";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { ConfigError } from "../config/config-error.ts";
import { exitWith, parseProcessConfig } from "../config/process-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { FrozenDatabase } from "../db/frozen-database.ts";
import { findDeployment } from "../engine/deployment/find-deployment.ts";
import { exportEvents } from "../proof/archive/export-events.ts";
import { exportRanges, type WantedRange } from "../proof/archive/export-range.ts";
import { writeFile } from "../proof/archive/write-file.ts";
import { parseSchemaName } from "./schema-option.ts";

/* `npm run export -- --out FILE`: the event store as lines of JSON. */

const HELP = `Usage: npm run export -- --out <file | -> [--chain <id | name>]… [--from-block <n>] [--to-block <n>] [--final] [--schema <name>]

Writes the event store as NDJSON: a header, one line per event in chain order, and a trailer with
their number and SHA-256. As of one moment; the file is there as a whole or not at all.

  --out         compressed when it ends in .gz; - for standard output
  --chain       default: all
  --from-block  default: 0. An import needs the streams whole: keep to the beginning
  --to-block    default: the last indexed block
  --final       only what is final; default is everything indexed
  --schema      a deployment's schema; default: the one that the views point at

Needs DATABASE_URL.`;

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());

try {
  const { values } = parseArgs({
    options: {
      out: { type: "string" },
      chain: { type: "string", multiple: true, default: [] },
      "from-block": { type: "string" },
      "to-block": { type: "string" },
      final: { type: "boolean", default: false },
      schema: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  if (!values.out)
    throw new ConfigError([{ where: "--out", what: "say where to write: a file, or -" }]);
  const wanted: WantedRange = {
    chains: values.chain,
    fromBlock: parseBlock("--from-block", values["from-block"]),
    toBlock: parseBlock("--to-block", values["to-block"]),
    onlyFinal: values.final,
  };
  const schema =
    values.schema === undefined ? undefined : parseSchemaName("--schema", values.schema);
  const { databaseUrl } = parseProcessConfig(process.env);
  await checkDatabase(databaseUrl);
  await run(databaseUrl, schema, wanted, values.out);
} catch (error) {
  if (stop.signal.aborted) {
    console.error("interrupted: nothing was written");
    process.exit(1);
  }
  if (isAboutTheFile(error)) {
    console.error(`the export could not be written: ${error.message}`);
    process.exit(1);
  }
  exitWith(error);
}

async function run(
  databaseUrl: string,
  schema: string | undefined,
  wanted: WantedRange,
  out: string,
): Promise<void> {
  const database = await FrozenDatabase.open(databaseUrl);
  try {
    const deployment = await findDeployment(database, schema);
    const ranges = exportRanges(deployment, wanted);
    let events = 0;
    const text = exportEvents(database, deployment, ranges, {
      exportedAt: new Date(),
      onProgress: (count) => {
        events = count;
        if (process.stderr.isTTY) process.stderr.write(`\r${count} events`);
      },
    });
    const { signal } = stop;
    if (out === "-") await pipeline(Readable.from(text), process.stdout, { signal, end: false });
    else await writeFile(out, text, signal);
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
    const blocks = ranges.map(
      ({ chain, fromBlock, toBlock }) =>
        `chain ${chain.chainId} (${chain.name}) blocks ${fromBlock} to ${toBlock}`,
    );
    console.error(`exported ${events} events of ${deployment.schema}: ${blocks.join(", ")}`);
  } finally {
    await database.close({ keep: false });
  }
}

function parseBlock(option: string, value: string | undefined): number | null {
  if (value === undefined) return null;
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw new ConfigError([{ where: option, what: `"${value}" is not a block number` }]);
}

/** No space, no folder, no permission, a reader that went away. */
function isAboutTheFile(error: unknown): error is NodeJS.ErrnoException {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return (
    code === "EPIPE" || (syscall !== undefined && ["open", "write", "rename"].includes(syscall))
  );
}
