// Entry point of every page: starts the parts the page has. All of them add to pages that already work without scripts.
import * as theme from "./theme.js";
import * as fragments from "./fragments.js";
import * as dialogs from "./dialogs.js";
import * as keys from "./keys.js";
import * as palette from "./palette.js";
import * as forms from "./forms.js";
import * as live from "./live.js";
import * as clock from "./clock.js";
import * as regions from "./regions.js";

for (const part of [theme, fragments, dialogs, keys, palette, forms, live, clock, regions]) part.start();
