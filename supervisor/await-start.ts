import { once } from "node:events";

/*
 * `node --import ./await-start.ts <script>`, for a process that is started before its environment
 * is known: it loads the module that `AWAIT_START` names, and the script begins when the rest of the
 * environment has come as a message. What does not load here is left to the script to say.
 */

export type StartMessage = { env: Record<string, string> };

const { AWAIT_START } = process.env;
if (AWAIT_START !== undefined) {
  // Threads and processes that the script starts inherit the flag, and are not sent anything.
  delete process.env.AWAIT_START;
  const leave = (): never => process.exit();
  process.once("disconnect", leave);
  if (AWAIT_START !== "") import(AWAIT_START).catch(() => undefined);
  const [message] = (await once(process, "message")) as [StartMessage];
  process.off("disconnect", leave);
  Object.assign(process.env, message.env);
}
