import { join } from "node:path";
import { pathToFileURL } from "node:url";

const ENGINE = join(import.meta.dirname, "../../node_modules/ponder/dist/esm");

/** A module of the engine as it is installed, patches included. */
export function loadEngine<T>(file: string): Promise<T> {
  return import(pathToFileURL(join(ENGINE, file)).href);
}
