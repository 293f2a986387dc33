import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/**
 * A way to a server that can be closed: frozen (bytes wait, in both directions), cut (connections are
 * reset), shut (nobody gets in), forgetful (newcomers get through, who was there is not heard any more). The server itself notices nothing of being frozen.
 */
export class TcpGate {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #forgotten = new Set<Socket>();
  #isFrozen = false;
  #isShut = false;

  private constructor(to: { host: string; port: number }) {
    this.#server = createServer((near) => {
      if (this.#isShut) {
        near.resetAndDestroy();
        return;
      }
      const far = connect(to);
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one);
        if (this.#isFrozen) one.pause();
        one.on("data", (data) => void other.write(data));
        one.on("error", () => undefined);
        one.on("close", () => {
          this.#sockets.delete(one);
          other.destroy();
        });
        if (this.#isFrozen) one.pause();
      }
    });
  }

  /** Opens a gate to the server of a URL. */
  static async to(url: string): Promise<TcpGate> {
    const { hostname, port } = new URL(url);
    const gate = new TcpGate({ host: hostname, port: Number(port) });
    gate.#server.listen(0, "127.0.0.1");
    await once(gate.#server, "listening");
    return gate;
  }

  /** The URL that leads through the gate. */
  through(url: string): string {
    const through = new URL(url);
    through.hostname = "127.0.0.1";
    through.port = String((this.#server.address() as AddressInfo).port);
    return through.href;
  }

  freeze(): void {
    this.#isFrozen = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** No byte comes through any more on the connections that are there, and nobody is told. */
  forget(): void {
    for (const socket of this.#sockets) this.#forgotten.add(socket.pause());
    this.#sockets.clear();
  }

  thaw(): void {
    this.#isFrozen = false;
    for (const socket of this.#sockets) socket.resume();
  }

  /** Resets every connection, and lets nobody in until `open`. */
  shut(): void {
    this.#isShut = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  open(): void {
    this.#isShut = false;
  }

  async stop(): Promise<void> {
    for (const socket of [...this.#sockets, ...this.#forgotten]) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
