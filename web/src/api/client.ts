// The typed client of the REST interface; its types are generated from openapi.json by `npm run api`.
import createClient, { type Middleware } from "openapi-fetch";

import type { components, paths } from "./schema";

export type Task = components["schemas"]["TaskRead"];
export type User = components["schemas"]["UserRead"];

// Sessions need the CSRF token in a header on every request that changes something.
const csrf: Middleware = {
  onRequest({ request }) {
    const token = document.cookie.match(/(?:^|;\s*)csrftoken=([^;]*)/)?.[1];
    if (token && !["GET", "HEAD"].includes(request.method)) {
      request.headers.set("X-CSRFToken", token);
    }
    return request;
  },
};

/** Where the product is served: the page's base, which the server fills in, without the slash at its end. */
const baseUrl = new URL(".", document.baseURI).href.replace(/\/$/, "");

export const api = createClient<paths>({ baseUrl });
api.use(csrf);

/** The first sentence a person can read in an error body: a list, messages by field, or a detail. */
export function messageOf(error: unknown): string {
  if (typeof error === "string" && error) return error;
  if (Array.isArray(error)) return messageOf(error[0]);
  if (error && typeof error === "object") {
    const body = error as Record<string, unknown>;
    return messageOf(body.non_field_errors ?? body.detail ?? Object.values(body)[0]);
  }
  return "Something went wrong. Please try again.";
}
