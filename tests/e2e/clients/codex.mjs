// The Codex CLI, with a provider of its own and with the built-in one, whose WebSocket handshake
// comes first. suite: all

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

import * as shared from "../client_cases.mjs";

const program = path.join(process.argv[2], "node_modules/@openai/codex/bin/codex.js");
const own = [
  "-c",
  `model_providers.own={name="own",base_url="${shared.url}",env_key="KEY",wire_api="responses"}`,
  "-c",
  "model_provider=own",
];
const builtIn = ["-c", `openai_base_url="${shared.url}"`];

// Its whole output and exit status. It takes its settings from a home of its own.
async function codex(model, settings = own, more = {}) {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), "sluicegate-e2e-"));
  const folders = { HOME: home, CODEX_HOME: home };
  const keys = { KEY: shared.key, CODEX_API_KEY: shared.key };
  const child = spawn(
    process.execPath,
    [program, "exec", "--skip-git-repo-check", "-m", model, ...settings, shared.prompt],
    { cwd: home, env: { PATH: process.env.PATH, ...folders, ...keys, ...more } },
  );
  child.stdin.end();
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => (output += text));
  }
  const status = await new Promise((resolve) => child.on("close", resolve));
  fs.rmSync(home, { recursive: true });
  return { output, status };
}

const never = "not tried with Codex";
await shared.run({
  // Codex offers its tools each time. The provider calls one, and answers the result.
  async chat() {
    const { output, status } = await codex("assistant");
    assert.equal(status, 0, output);
    assert.ok(output.includes(shared.forecast), output);
  },

  async stream() {
    const { output, status } = await codex("assistant", builtIn);
    assert.equal(status, 0, output);
    assert.ok(output.includes(shared.forecast), output);
    assert.ok(!output.includes("Reconnecting"), output);
  },

  tools: "its other cases call one",
  structured: never,
  embeddings: never,

  async errors() {
    const stranger = await codex("assistant", own, { KEY: "sk-unknown" });
    assert.match(stranger.output, /401 Unauthorized/);
    const unknown = await codex("no-such-model");
    assert.match(unknown.output, /no-such-model/);
    const refused = await codex("refuses");
    assert.match(refused.output, /The temperature must be below 2\./);
    assert.deepEqual([stranger.status, unknown.status, refused.status], [1, 1, 1]);
  },

  rate_limit: "Codex waits, and asks again",

  // Each run asks twice, so that the second waits for the limit of one a window.
  async retry() {
    const { output, status } = await codex("retried");
    assert.equal(status, 0, output);
    assert.ok(output.includes(shared.forecast), output);
  },

  long_stream: never,
  abort: never,
  complete_ends: "a responses stream has an end of its own",
  broken_streams: never,
});
