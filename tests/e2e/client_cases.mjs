// What the Node files of clients/ share: where the gateway is, what its provider says, and the run
// of their cases. Their packages are in the folder that run_client.py names.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(path.join(process.argv[2] ?? ".", "index.js"));

export const load = (name) => import(pathToFileURL(require.resolve(name)).href);
export const url = process.env.SLUICEGATE_URL;
export const key = process.env.SLUICEGATE_KEY;
export const prompt = "a-prompt-nobody-may-log";
export const greeting = "Hello from the upstream.";
export const forecast = "It is sunny in Paris.";
export const long = Array.from({ length: 3000 }, (_, number) => `${number} grüße ☕ `).join("");
export const vector = [0.25, -0.5, 0.75];
export const completeEnds = ["no-done", "silent-end", "until-close"];
export const brokenStreams = ["error-in-chunk", "dies-mid-stream"];

export async function thrown(call) {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new assert.AssertionError({ message: "nothing was thrown" });
}

export async function collect(stream) {
  const out = [];
  for await (const item of stream) out.push(item);
  return out;
}

// A case is a function, or the reason why the library has no such thing.
export async function run(cases) {
  for (const [name, test] of Object.entries(cases)) {
    if (typeof test === "string") {
      console.log(`without ${name}: ${test}`);
      continue;
    }
    await test();
    console.log(`ok ${name}`);
  }
}
