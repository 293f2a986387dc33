import { ConfigError, type ConfigProblem } from "../../config/config-error.ts";

/** What the command line asks for. */
export type AuditCommand = {
  chains: string[];
  fromBlock: number | null;
  toBlock: number | null;
  thorough: boolean;
  allowedUnknown: Set<string>;
  out: string;
  limit: number;
};

type Values = {
  chain: string[];
  "from-block"?: string | undefined;
  "to-block"?: string | undefined;
  thorough: boolean;
  "allow-unknown": string[];
  out: string;
  limit: string;
};

/** @throws ConfigError with every option that is not usable */
export function parseAuditOptions(values: Values): AuditCommand {
  const problems: ConfigProblem[] = [];
  const whole = (where: string, value: string | undefined, least: number): number | null => {
    if (value === undefined) return null;
    if (/^\d{1,15}$/.test(value) && Number(value) >= least) return Number(value);
    problems.push({ where, what: `"${value}" is not a whole number from ${least}` });
    return null;
  };
  const fromBlock = whole("--from-block", values["from-block"], 0);
  const toBlock = whole("--to-block", values["to-block"], 0);
  const limit = whole("--limit", values.limit, 1) ?? 1;
  if (fromBlock !== null && toBlock !== null && fromBlock > toBlock)
    problems.push({
      where: "--from-block",
      what: `${fromBlock} lies behind --to-block ${toBlock}`,
    });
  const topics = values["allow-unknown"].map((topic) => topic.toLowerCase());
  for (const topic of topics)
    if (topic !== "anonymous" && !/^0x[0-9a-f]{64}$/.test(topic))
      problems.push({
        where: "--allow-unknown",
        what: `"${topic}" is no signature: expected 0x and 64 hex digits, or "anonymous"`,
      });
  if (values.out === "") problems.push({ where: "--out", what: "expected a file" });
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    ...{ chains: values.chain, fromBlock, toBlock, thorough: values.thorough },
    ...{ allowedUnknown: new Set(topics), out: values.out, limit },
  };
}
