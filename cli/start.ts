import "./load-env-file.ts";
import { exitWith } from "../config/process-config.ts";
import { runService } from "../supervisor/run-service.ts";
import { HELP, parseStartOptions } from "../supervisor/start-options.ts";

/* `npm start`: everything at once, with an embedded part for whatever is not configured. */

try {
  const options = parseStartOptions(process.argv.slice(2), process.env);
  if (options.help) console.log(HELP);
  else process.exit(await runService(options, process.env));
} catch (error) {
  exitWith(error);
}
