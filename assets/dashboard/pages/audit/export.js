// The records that match, as a file.

import { html } from "../../core/view.js";
import { urlOf } from "../../core/api.js";
import { icon } from "../../parts/icon.js";

const EXPORT = "/api/v1/events/audit/export";

export const Export = ({ parameters }) => html`
  <div class="row" role="group" aria-label="Export what is filtered">
    ${["csv", "ndjson"].map((format) => html`
      <a class="button" key=${format} href=${urlOf(EXPORT, { format, ...parameters })} download="audit.${format}"
        title="All records that match, as ${format.toUpperCase()}">${icon("download")}${format.toUpperCase()}</a>`)}
  </div>`;
