const LABEL = /\/\* (\w+) \*\//;
/** Statements without a label, by what stands in them; the first that fits. */
const FEATURES: [string, string][] = [
  ["with free as", "take"],
  ["set owner = null", "give-back"],
  ["update relay.lease set expires_at", "renew"],
  ["insert into relay.instance", "announce"],
  ["min(in_doubt_at)", "read-oldest"],
  ["in_doubt_sequence and is_doubted", "read-doubts"],
  ["set is_doubted = true", "doubt-taken"],
  ["insert into relay.publication", "register"],
  ["pg_notify", "notify"],
  [".applied_message", "effect"],
  ["high_water_mark\n     set", "move-mark"],
];
/** What a transaction is named after: its first statement with one of these names. */
const TRANSACTIONS: Record<string, string> = {
  capture: "capture-commit",
  announce: "lease-commit",
  "give-back": "give-back-commit",
  effect: "effect-commit",
};

/** Names the statements of one connection; a commit by what its transaction did. */
export class StatementNames {
  #commit: string | null = null;

  of(text: string): string {
    if (text.startsWith("begin")) {
      this.#commit = null;
      return "begin";
    }
    if (text === "commit") return this.#commit ?? "commit";
    const name = LABEL.exec(text)?.[1] ?? FEATURES.find(([part]) => text.includes(part))?.[1];
    this.#commit ??= TRANSACTIONS[name ?? ""] ?? null;
    return name ?? "other";
  }
}
