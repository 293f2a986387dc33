import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

/**
 * As much of PostgreSQL's protocol as it takes to say which version one is
 * (https://www.postgresql.org/docs/current/protocol-message-formats.html): it lets everybody in and
 * answers every query with one row of version, database, user and "may create".
 */
export async function startOldPostgres(
  version: string,
): Promise<{ url: string; stop(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    socket.on("data", (data) => {
      // The first message of a session has no type: it begins with its length, a zero byte.
      if (data[0] === 0) socket.write(welcome(version));
      else if (data.includes("Q")) socket.write(answer(version));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `postgres://me:me@127.0.0.1:${port}/db`,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

const READY = message("Z", Buffer.from("I"));

function welcome(version: string): Buffer {
  const authenticated = message("R", int32(0));
  return Buffer.concat([authenticated, message("S", text("server_version"), text(version)), READY]);
}

function answer(version: string): Buffer {
  const row: [name: string, type: number, value: string][] = [
    ["version", 23, String(Number.parseInt(version, 10))],
    ["database", 25, "db"],
    ["user", 25, "me"],
    ["may_create", 16, "t"],
  ];
  const fields = row.map(([name, type]) =>
    Buffer.concat([text(name), int32(0), int16(0), int32(type), int16(-1), int32(-1), int16(0)]),
  );
  const values = row.map(([, , value]) => Buffer.concat([int32(value.length), Buffer.from(value)]));
  return Buffer.concat([
    message("T", int16(row.length), ...fields),
    message("D", int16(row.length), ...values),
    message("C", text("SELECT 1")),
    READY,
  ]);
}

function message(type: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}

function int16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeInt16BE(value);
  return buffer;
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}
