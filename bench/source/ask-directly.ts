import { registerHooks } from "node:module";

/*
 * Preloaded by an indexer whose engine shall ask its endpoints itself: puts nothing
 * (`no-guard.ts`) where the verified source would be put before the engine.
 */

const GUARD = new URL("../../source/guard-engine.ts", import.meta.url).href;
const NO_GUARD = new URL("./no-guard.ts", import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) => {
    const found = next(specifier, context);
    return found.url === GUARD ? { ...found, url: NO_GUARD } : found;
  },
});
