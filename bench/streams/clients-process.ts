import { FeedClient } from "../../test/support/feed-client.ts";
import type { ClientCounts, ClientsCommand, ClientsReport } from "./clients-messages.ts";

/*
 * A thousand clients of the feed, in a process of their own. Each comes back with its last id when
 * its stream ends, to the next of the instances.
 */

type Client = { stream: FeedClient; ids: number[] };

/** So many take the time from capture to their arrival. */
const TIMED = 20;
const CAPTURED_AT = /"captured_at":"([^"]+)"/;

const clients: Client[] = [];
const lagMs: number[] = [];

process.once("disconnect", () => process.exit(0));
process.on("message", (command: ClientsCommand) => {
  process.send?.(obey(command));
});

function obey(command: ClientsCommand): ClientCounts | ClientsReport {
  if ("follow" in command) follow(command.follow);
  if ("drop" in command) for (const { stream } of clients.slice(0, command.drop)) stream.drop();
  return "report" in command ? report() : counts();
}

function follow({ ports, paths }: { ports: number[]; paths: string[] }): void {
  const followedMs = Date.now();
  let turn = 0;
  const origin = (): string => `http://127.0.0.1:${ports[turn++ % ports.length]}`;
  for (const path of paths) {
    const ids: number[] = [];
    const isTimed = clients.length < TIMED;
    const onMessage = ({ id, data }: { id: number; data: string }): void => {
      ids.push(id);
      if (!isTimed) return;
      const capturedMs = Date.parse(CAPTURED_AT.exec(data)?.[1] ?? "");
      if (capturedMs > followedMs) lagMs.push(Date.now() - capturedMs);
    };
    clients.push({ stream: new FeedClient({ origin, path, onMessage, comesBack: true }), ids });
  }
}

function counts(): ClientCounts {
  return {
    open: clients.filter(({ stream }) => stream.isOpen).length,
    messages: clients.reduce((sum, { ids }) => sum + ids.length, 0),
  };
}

function report(): ClientsReport {
  return {
    clients: clients.map(({ ids, stream: { connections, otherIds } }) => ({
      ...{ ids, connections, otherIds },
    })),
    lagMs,
  };
}
