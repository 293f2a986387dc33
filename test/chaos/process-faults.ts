import type { Note, Order, ProcessFault } from "./process-fault.ts";

type FaultOf<K extends ProcessFault["kind"]> = Extract<ProcessFault, { kind: K }>;
type Armed<K extends ProcessFault["kind"] = ProcessFault["kind"]> = {
  id: number;
  fault: FaultOf<K>;
  untilMs: number;
};

/** The faults that a process under test has been told to do to itself. */
export class ProcessFaults {
  #armed: Armed[] = [];
  #isLead = false;
  #reached = new Map<string, number>();
  /** The last claim, as `<publication id>/<ordering key>`: told to the suite at a freeze. */
  claimed = new Set<string>();

  arm({ id, fault }: Order): void {
    if (fault.kind === "die") {
      this.#armed = this.#armed.filter((each) => each.fault.kind !== "die");
      this.#reached.clear();
    }
    const forMs = "forMs" in fault ? fault.forMs : Number.POSITIVE_INFINITY;
    this.#armed.push({ id, fault, untilMs: performance.now() + forMs });
  }

  /** An await point. Does not return when this is where the process dies. */
  async reach(point: string): Promise<void> {
    if (this.diesAt(point)) await this.die();
    const freeze = this.#find("freeze", (fault) => fault.point === point);
    if (freeze === undefined) return;
    this.#disarm(freeze);
    this.tell({ type: "claimed", keys: [...this.claimed] });
    this.fired(freeze);
    // The notes must be on their way before nothing moves any more.
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.kill(process.pid, "SIGSTOP");
  }

  /** Whether to die at this point; counts it as reached. */
  diesAt(point: string): boolean {
    const die = this.#find("die", (fault) => fault.point === point);
    if (die === undefined) return false;
    const times = (this.#reached.get(point) ?? 0) + 1;
    this.#reached.set(point, times);
    return times >= die.fault.nth;
  }

  /** As a crash: nothing after this call happens. */
  async die(afterMs = 0): Promise<never> {
    if (afterMs > 0) await new Promise((resolve) => setTimeout(resolve, afterMs));
    process.kill(process.pid, "SIGKILL");
    return new Promise<never>(() => undefined);
  }

  /** The SQLSTATE that a statement fails with now. */
  sqlErrorOf(statement: string): string | null {
    const armed = this.#find("sql-error", ({ statements }) => statements.includes(statement));
    if (armed === undefined) return null;
    this.fired(armed);
    return armed.fault.code;
  }

  losesAcknowledgementOf(statement: string): boolean {
    const armed = this.#find("lost-acknowledgement", (fault) => fault.statement === statement);
    if (armed === undefined) return false;
    this.#disarm(armed);
    this.fired(armed);
    return true;
  }

  /** Whether a fault with a duration is on. Says that it took effect. */
  isOn(kind: "receipts-unreadable" | "deaf"): boolean {
    const armed = this.#find(kind, () => true);
    if (armed !== undefined) this.fired(armed);
    return armed !== undefined;
  }

  /** Only a leader captures. */
  leads(): void {
    if (!this.#isLead) this.tell({ type: "leads" });
    this.#isLead = true;
  }

  fired({ id }: { id: number }): void {
    this.tell({ type: "fired", id });
  }

  tell(note: Note): void {
    if (process.connected) process.send?.(note);
  }

  #find<K extends ProcessFault["kind"]>(
    kind: K,
    fits: (fault: FaultOf<K>) => boolean,
  ): Armed<K> | undefined {
    const nowMs = performance.now();
    const found = this.#armed.find(
      ({ fault, untilMs }) => fault.kind === kind && untilMs > nowMs && fits(fault as FaultOf<K>),
    );
    return found as Armed<K> | undefined;
  }

  #disarm(armed: { id: number }): void {
    this.#armed = this.#armed.filter(({ id }) => id !== armed.id);
  }
}
