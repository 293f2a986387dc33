import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { ANY_MOMENT } from "./kill-points.ts";
import type { Note, Order, ProcessFault } from "./process-fault.ts";

/** What is going to kill a process: a point that it reaches, or after a time whatever it is at. */
export type Death = { point: string; nth: number; fuseMs: number };

export type FleetOptions = {
  /** The script that each member runs. */
  script: string;
  /** Of each process when it starts. */
  env: () => Record<string, string>;
  logFolder: string;
  /** Begins the names of the log files. */
  name: string;
  size: number;
  /** How the next process dies; null lets it live. */
  nextDeath: () => Death | null;
  /** How a process dies that has just become a leader. */
  leaderDeath: () => Death | null;
  /** Called for each SIGKILL that took effect, with the point. */
  onKilled: (point: string) => void;
};

export type Member = {
  slot: number;
  child: ChildProcess;
  death: Death | null;
  fuse?: NodeJS.Timeout;
  killedAt?: string;
  isPaused: boolean;
  /** Events of the requests that it waits for, by `<topic>/<ordering key>`. */
  inFlight: Map<string, string[]>;
};

/** A restart at once would hide that a process ends by itself. */
const AFTER_OWN_END_MS = 200;
/** Longer than a process needs from saying that it freezes until it does. */
const UNAWAITED_FREEZE_MS = 1_000;

/** Processes under test, each started again as soon as it is gone. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #members = new Map<number, Member>();
  readonly #waiters = new Map<number, () => void>();
  /** The process that last began to send on a key. */
  readonly #senders = new Map<string, Member>();
  readonly #keepers: Promise<void>[] = [];
  /** Called for a member that freezes itself: its last claim, as `<publication id>/<ordering key>`. */
  onClaimed: (member: Member, keys: string[]) => void = () => undefined;
  /** Events, as `<topic> <event id>`, that were in flight while their process was paused. */
  readonly excusable = new Set<string>();
  #orders = 0;
  #isOver = false;
  /** Times that a process ended without being told to. */
  endedByThemselves = 0;
  started = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    for (let slot = 0; slot < options.size; slot++) this.#keepers.push(this.#keep(slot));
  }

  get members(): Member[] {
    return [...this.#members.values()];
  }

  senderOf(topicKey: string): Member | undefined {
    const member = this.#senders.get(topicKey);
    return member !== undefined && this.#isCurrent(member) ? member : undefined;
  }

  /**
   * Has a member do harm to itself.
   *
   * @returns how many times the fault took effect within `withinMs`
   */
  async inject(member: Member, fault: ProcessFault, withinMs: number): Promise<number> {
    const id = ++this.#orders;
    let times = 0;
    this.#waiters.set(id, () => {
      times += 1;
    });
    this.#tell(member, { id, fault });
    const startedMs = performance.now();
    const isOver = (): boolean => !this.#isCurrent(member) || this.#isOver;
    while (performance.now() - startedMs < withinMs && !isOver()) {
      const isOnce = !("forMs" in fault);
      if (isOnce && times > 0) break;
      await setTimeout(20);
    }
    this.#waiters.delete(id);
    return times;
  }

  /** SIGSTOP. */
  pause(member: Member): void {
    member.isPaused = true;
    member.child.kill("SIGSTOP");
  }

  /** SIGCONT. What was in flight meanwhile may come late: nothing can prevent it. */
  wakeUp(member: Member): void {
    if (!member.isPaused) return;
    member.isPaused = false;
    for (const [topicKey, eventIds] of member.inFlight)
      for (const eventId of eventIds)
        this.excusable.add(`${topicKey.slice(0, topicKey.indexOf("/"))} ${eventId}`);
    member.child.kill("SIGCONT");
  }

  /** SIGKILL from outside. */
  kill(member: Member, point: string): void {
    if (!this.#isCurrent(member) || member.killedAt !== undefined) return;
    member.killedAt = point;
    member.child.kill("SIGKILL");
  }

  /** This one is not killed, until `unspare`. */
  spare(member: Member): void {
    this.#condemn(member, null);
  }

  unspare(member: Member): void {
    if (this.#isCurrent(member)) this.#condemn(member, this.#options.nextDeath());
  }

  /** Waits until a process has ended, however. */
  async isGone(member: Member, withinMs: number): Promise<boolean> {
    const startedMs = performance.now();
    while (this.#isCurrent(member) && performance.now() - startedMs < withinMs)
      await setTimeout(20);
    return !this.#isCurrent(member);
  }

  /** Nobody is killed any more. */
  letLive(): void {
    for (const member of this.members) this.spare(member);
  }

  /** Ends everybody; SIGTERM, so that leases are given back. */
  async end(): Promise<void> {
    this.#isOver = true;
    for (const { child } of this.members) {
      child.kill("SIGCONT");
      child.kill("SIGTERM");
    }
    const timer = globalThis.setTimeout(() => {
      for (const { child } of this.members) child.kill("SIGKILL");
    }, 10_000);
    await Promise.all(this.#keepers);
    clearTimeout(timer);
  }

  async #keep(slot: number): Promise<void> {
    while (!this.#isOver) {
      const member = this.#start(slot);
      const { child } = member;
      this.#members.set(slot, member);
      const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
      clearTimeout(member.fuse);
      if (this.#members.get(slot) === member) this.#members.delete(slot);
      if (signal === "SIGKILL") {
        const point = member.killedAt ?? member.death?.point;
        if (point !== undefined && !this.#isOver) this.#options.onKilled(point);
      } else if (code !== 0 && !this.#isOver) {
        this.endedByThemselves += 1;
        await setTimeout(AFTER_OWN_END_MS);
      }
    }
  }

  #start(slot: number): Member {
    const { script, env, logFolder, name, nextDeath } = this.#options;
    const death = nextDeath();
    const order = death && deathOrder(death);
    const log = openSync(join(logFolder, `${name}-${slot}.log`), "a");
    const child = spawn(process.execPath, [script], {
      env: { ...env(), ...(order ? { CHAOS_ORDER: JSON.stringify(order) } : {}) },
      stdio: ["ignore", log, log, "ipc"],
    });
    closeSync(log);
    this.started += 1;
    // The suite's own servers come first: what they are late with would look like a fault.
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    const member: Member = { slot, child, death, isPaused: false, inFlight: new Map() };
    child.on("message", (note) => this.#hear(member, note as Note));
    child.on("error", () => undefined);
    return member;
  }

  #hear(member: Member, note: Note): void {
    if (note.type === "started") this.#light(member);
    else if (note.type === "leads") this.#condemn(member, this.#options.leaderDeath());
    else if (note.type === "fired") this.#fired(member, note.id);
    else if (note.type === "sending") {
      this.#senders.set(note.topicKey, member);
      member.inFlight.set(note.topicKey, note.eventIds);
    } else if (note.type === "sent") member.inFlight.delete(note.topicKey);
    else {
      member.isPaused = true;
      this.onClaimed(member, note.keys);
    }
  }

  /** Nobody waits for a fault that comes after its time: then nobody else wakes who froze by it. */
  #fired(member: Member, id: number): void {
    const waiter = this.#waiters.get(id);
    if (waiter) waiter();
    else if (member.isPaused) globalThis.setTimeout(() => this.wakeUp(member), UNAWAITED_FREEZE_MS);
  }

  #condemn(member: Member, death: Death | null): void {
    clearTimeout(member.fuse);
    member.death = death;
    this.#tell(member, deathOrder(death ?? NEVER));
    this.#light(member);
  }

  /** Whoever does not come by its point is killed all the same. */
  #light(member: Member): void {
    if (member.death === null) return;
    member.fuse = globalThis.setTimeout(() => this.kill(member, ANY_MOMENT), member.death.fuseMs);
  }

  #tell(member: Member, order: Order): void {
    if (member.child.connected) member.child.send(order, () => undefined);
  }

  #isCurrent(member: Member): boolean {
    return this.#members.get(member.slot) === member && member.child.exitCode === null;
  }
}

const NEVER: Death = { point: "never", nth: 1, fuseMs: 0 };

function deathOrder({ point, nth }: Death): Order {
  return { id: 0, fault: { kind: "die", point, nth } };
}
