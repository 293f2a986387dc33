import type { TestWorld } from "../support/test-world.ts";
import type { LieVerdict } from "./lie-verdict.ts";
import type { NamedLie } from "./named-lie.ts";
import type { PlantedHole } from "./planted-hole.ts";

type Finding = { kind: string; event_id: string; isHealed: boolean };

/** Compares what the witness says of one chain with what is so. */
export class WitnessJudge {
  readonly #world: TestWorld;
  readonly #url: string;
  readonly #chainId: number;
  /** Whether the chain's headers and logs can be proven by anybody. */
  readonly isProvable: boolean;

  constructor(world: TestWorld, url: string, chainId: number, lies: readonly NamedLie[]) {
    this.#world = world;
    this.#url = url;
    this.#chainId = chainId;
    this.isProvable = !lies.some((lie) => lie.isUnknownLayout || lie.hasNoReceipts);
  }

  /** The last block that is said to be verified; -1 when none is. */
  async verified(): Promise<number> {
    const [row] = await this.#world.query<{ block: number }>(
      this.#url,
      "select max(through_block)::int as block from witness.verified where chain_id = $1",
      [this.#chainId],
    );
    return row?.block ?? -1;
  }

  async hasFound({ eventId }: PlantedHole): Promise<boolean> {
    return (await this.#findings()).some(
      ({ kind, event_id }) => kind === "hole" && event_id === eventId,
    );
  }

  /** Judges all that it ever said, once it has had the time to. */
  async judge(holes: readonly PlantedHole[], verdict: LieVerdict): Promise<void> {
    const made = new Set(holes.map(({ eventId }) => eventId));
    const findings = await this.#findings();
    for (const { kind, event_id } of findings)
      if (kind !== "hole" || !made.has(event_id))
        verdict.misjudged.push(`the witness found a ${kind} ${event_id} where there is none`);
    for (const { event_id, isHealed } of findings)
      if (!isHealed) verdict.stuck.push(`the finding ${event_id} is not healed`);
    const bases = await this.#bases();
    if (this.isProvable && bases.some((basis) => basis !== "proof"))
      verdict.misjudged.push(`a lie made verified rest on ${bases.join(" and ")}`);
    if (!this.isProvable && bases.includes("proof"))
      verdict.misjudged.push("what nobody can prove is said to be proven");
  }

  #findings(): Promise<Finding[]> {
    return this.#world.query(
      this.#url,
      `select kind, event_id, healed_at is not null as "isHealed" from witness.finding
       where chain_id = $1`,
      [this.#chainId],
    );
  }

  async #bases(): Promise<string[]> {
    const rows = await this.#world.query<{ basis: string }>(
      this.#url,
      "select distinct basis from witness.piece where chain_id = $1 order by basis",
      [this.#chainId],
    );
    return rows.map(({ basis }) => basis);
  }
}
