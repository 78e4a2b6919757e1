// What the official Node SDK sees through the gateway; run_sdk.py starts it with the SDK's folder.
//
// Prints `ok CASE` for each case that holds, and stops at the first that does not.

import assert from "node:assert/strict";
import buffer from "node:buffer";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";

const require = createRequire(path.join(process.argv[2], "index.js"));
const OpenAI = require("openai").OpenAI;

// Node 18 keeps File to itself; the SDK asks for exactly this line there.
globalThis.File ??= buffer.File;

const baseURL = process.env.SLUICEGATE_URL;
const apiKey = process.env.SLUICEGATE_KEY;
const messages = [{ role: "user", content: "a-prompt-nobody-may-log" }];
const options = { baseURL, apiKey, maxRetries: 0, timeout: 60_000 };
const client = new OpenAI(options);
const patient = new OpenAI({ ...options, maxRetries: 3 });

const cuts = [
  "cut-before-head",
  "cut-after-head",
  "cut-after-event",
  "cut-in-event",
  "cut-clean",
  "cut-bare-error",
];
const completeEnds = ["no-done", "silent-end", "until-close"];
const toldErrors = ["error-in-chunk", "error-event"];
const greeting = "Hello from the upstream.";
const unheard = ["cut-before-head", "cut-after-head"];

async function raised(Kind, call) {
  try {
    await call();
  } catch (error) {
    assert.ok(error instanceof Kind, `${error.name ?? error}: ${error.message}`);
    return error;
  }
  throw new assert.AssertionError({ message: `${Kind.name} was not thrown` });
}

async function collect(stream) {
  const out = [];
  for await (const item of stream) out.push(item);
  return out;
}

const cases = {
  async list_models() {
    const ids = (await collect(client.models.list())).map((model) => model.id).sort();
    const others = ["dies-mid-stream", "echo", "never-streams", "once", "retried", "survives"];
    const more = [...completeEnds, ...toldErrors, "left-at-end"];
    const expected = [...cuts, ...others, ...more, "retried-stream", "retried-tokens", "whisper"];
    assert.deepEqual(ids, expected.sort());
    assert.equal((await client.models.retrieve("echo")).id, "echo");
  },

  async chat() {
    const answer = await client.chat.completions.create({ model: "echo", messages });
    assert.equal(answer.object, "chat.completion");
    assert.ok(answer.choices[0].message.content);
    assert.ok(answer.usage.total_tokens > 0);
    assert.ok(answer._request_id);
    const { response } = await client.chat.completions
      .create({ model: "once", messages })
      .withResponse();
    assert.equal(response.headers.get("x-ratelimit-limit-requests"), "1");
  },

  async chat_stream() {
    const chunks = await collect(
      await client.chat.completions.create({
        model: "echo",
        messages,
        stream: true,
        stream_options: { include_usage: true },
      }),
    );
    assert.ok(chunks.length > 2);
    assert.ok(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""));
    assert.ok(chunks.at(-1).usage.total_tokens > 0);
    const plain = await collect(
      await client.chat.completions.create({ model: "echo", messages, stream: true }),
    );
    assert.ok(plain.every((chunk) => chunk.choices.length > 0));
  },

  async completions() {
    const request = { model: "echo", prompt: "hello" };
    assert.ok((await client.completions.create(request)).choices[0].text);
    const chunks = await collect(await client.completions.create({ ...request, stream: true }));
    assert.ok(chunks.map((chunk) => chunk.choices[0]?.text ?? "").join(""));
  },

  async embeddings() {
    const answer = await client.embeddings.create({ model: "echo", input: ["one", "two"] });
    assert.equal(answer.data.length, 2);
    assert.ok(answer.data[0].embedding.length > 0);
    assert.equal(typeof answer.data[0].embedding[0], "number");
  },

  async responses() {
    const answer = await client.responses.create({ model: "echo", input: "hello" });
    assert.equal(answer.object, "response");
    assert.ok(answer.output_text);
    assert.ok(answer.usage.output_tokens > 0);
  },

  async responses_stream() {
    const events = await collect(
      await client.responses.create({ model: "echo", input: "hello", stream: true }),
    );
    assert.equal(events[0].type, "response.created");
    assert.equal(events.at(-1).type, "response.completed");
    assert.ok(events.some((event) => event.type === "response.output_text.delta"));
  },

  async authentication_error() {
    const stranger = new OpenAI({ ...options, apiKey: "sk-unknown" });
    const error = await raised(OpenAI.AuthenticationError, () => stranger.models.list());
    assert.equal(error.status, 401);
    assert.equal(error.code, "invalid_api_key");
    assert.ok(error.requestID ?? error.request_id);
  },

  async not_found_error() {
    const error = await raised(OpenAI.NotFoundError, () =>
      client.chat.completions.create({ model: "no-such-model", messages }),
    );
    assert.equal(error.status, 404);
    assert.equal(error.code, "model_not_found");
    assert.equal(error.param, "model");
  },

  async rate_limit_error() {
    const error = await raised(OpenAI.RateLimitError, async () => {
      for (let i = 0; i < 5; ++i) {
        await client.chat.completions.create({ model: "once", messages });
      }
    });
    assert.equal(error.status, 429);
    assert.equal(error.code, 429);
    assert.equal(error.type, "rate_limit_error");
    assert.deepEqual(error.error, {
      message: "Rate limit exceeded. Please try again later.",
      type: "rate_limit_error",
      code: 429,
    });
    assert.ok(error.requestID ?? error.request_id);
  },

  async automatic_retry() {
    for (let i = 0; i < 2; ++i) {
      const answer = await patient.chat.completions.create({ model: "retried", messages });
      assert.ok(answer.choices.length > 0);
    }
  },

  async automatic_retry_of_a_stream() {
    const request = { model: "retried-stream", messages, stream: true };
    for (let i = 0; i < 2; ++i) {
      const chunks = await collect(await patient.chat.completions.create(request));
      assert.ok(chunks.length > 2);
    }
  },

  async automatic_retry_for_tokens() {
    // The cap is all of the limit, so the second does not fit beside what the first has used.
    const request = { model: "retried-tokens", max_tokens: 400, messages };
    for (let i = 0; i < 2; ++i) {
      const answer = await patient.chat.completions.create(request);
      assert.ok(answer.usage.total_tokens > 0);
    }
  },

  async large_upload() {
    const content = [{ role: "user", content: "x".repeat(20 * 1024 * 1024) }];
    const error = await raised(OpenAI.APIError, () =>
      patient.chat.completions.create({ model: "echo", messages: content }),
    );
    assert.equal(error.status, 413);
    assert.equal(error.code, "request_too_large");
  },

  async stream_that_dies() {
    const texts = [];
    const error = await raised(OpenAI.APIError, async () => {
      const stream = await client.chat.completions.create({
        model: "dies-mid-stream",
        messages,
        stream: true,
      });
      for await (const chunk of stream) texts.push(chunk.choices[0].delta.content);
    });
    assert.deepEqual(texts, ["one", "two"]);
    assert.equal(error.code, "upstream_closed");
  },

  async cut_streams() {
    for (const model of cuts) {
      const chunks = [];
      const error = await raised(OpenAI.APIError, async () => {
        const stream = await client.chat.completions.create({ model, messages, stream: true });
        for await (const chunk of stream) chunks.push(chunk);
      });
      assert.ok(error.code, model);
      assert.equal(chunks.length, unheard.includes(model) ? 0 : 1, model);
    }
  },

  async cut_responses() {
    for (const model of cuts.slice(0, -1)) {
      const events = [];
      const error = await raised(OpenAI.APIError, async () => {
        const stream = await client.responses.create({ model, input: "x", stream: true });
        for await (const event of stream) events.push(event);
      });
      assert.equal(error.code, "upstream_closed", model);
      assert.equal(events.length, unheard.includes(model) ? 0 : 1, model);
    }
  },

  async converted_stream() {
    const request = { model: "never-streams", messages, stream: true };
    const chunks = await collect(await client.chat.completions.create(request));
    const text = chunks.map((chunk) => chunk.choices[0].delta.content ?? "").join("");
    assert.equal(text, "spoken at once");
    assert.equal(chunks.at(-1).choices[0].finish_reason, "stop");
    const withUsage = await collect(
      await client.chat.completions.create({ ...request, stream_options: { include_usage: true } }),
    );
    assert.equal(withUsage.at(-1).usage.total_tokens, 7);
    const events = await collect(
      await client.responses.create({ model: "never-streams", input: "x", stream: true }),
    );
    assert.equal(events[0].type, "response.created");
    assert.equal(events.at(-1).type, "response.completed");
    assert.equal(events.at(-1).response.output[0].content[0].text, "spoken at once");
  },

  async stream_helper() {
    // Version 4 has the helper among its betas.
    const completions = client.chat.completions.stream
      ? client.chat.completions
      : client.beta.chat.completions;
    for (const model of ["echo", "never-streams"]) {
      const final = await completions.stream({ model, messages }).finalChatCompletion();
      assert.ok(final.choices[0].message.content);
      assert.ok(final.choices[0].finish_reason);
      const response = await client.responses.stream({ model, input: "hello" }).finalResponse();
      assert.equal(response.status, "completed");
      assert.ok(response.usage.total_tokens > 0);
    }
  },

  async transcription() {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sluicegate-e2e-"));
    const file = path.join(folder, "speech.wav");
    fs.writeFileSync(file, "RIFF-not-really-audio".repeat(1000));
    try {
      // The file stands before the model, and a stream is sent in chunks.
      const answer = await client.audio.transcriptions.create({
        file: fs.createReadStream(file),
        model: "whisper",
      });
      assert.equal(answer.text, "spoken words");
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  },

  async failover() {
    const { data, response } = await client.chat.completions
      .create({ model: "survives", messages })
      .withResponse();
    assert.ok(data.choices[0].message.content);
    assert.equal(response.headers.get("x-sluicegate-upstream"), "local");
    assert.equal(response.headers.get("x-sluicegate-attempts"), "2");
    const chunks = await collect(
      await client.chat.completions.create({ model: "survives", messages, stream: true }),
    );
    assert.ok(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""));
  },

  async complete_ends() {
    for (const model of completeEnds) {
      const request = { model, messages, stream: true };
      const chunks = await collect(await client.chat.completions.create(request));
      const text = chunks.map((chunk) => chunk.choices[0].delta.content ?? "").join("");
      assert.equal(text, greeting, model);
      assert.equal(chunks.at(-1).choices[0].finish_reason, "stop", model);
    }
  },

  async departure_at_the_end() {
    const request = { model: "left-at-end", messages, stream: true };
    let reason;
    for await (const chunk of await client.chat.completions.create(request)) {
      reason = chunk.choices[0].finish_reason;
      if (reason) break; // which ends the connection
    }
    assert.equal(reason, "stop");
  },

  async errors_in_streams() {
    for (const model of toldErrors) {
      const texts = [];
      const error = await raised(OpenAI.APIError, async () => {
        const stream = await client.chat.completions.create({ model, messages, stream: true });
        for await (const chunk of stream) texts.push(chunk.choices[0].delta.content);
      });
      assert.deepEqual(texts, ["Hello "], model);
      assert.match(error.message, /Provider disconnected|EngineCore encountered/);
    }
  },

  async azure() {
    const { AzureOpenAI } = require("openai");
    const endpoint = baseURL.replace(/\/v1$/, "");
    const there = new AzureOpenAI({ endpoint, apiKey, apiVersion: "2024-10-21", maxRetries: 0 });
    const request = { model: "echo", messages };
    assert.equal((await there.chat.completions.create(request)).model, "echo");
    const chunks = await collect(
      await there.chat.completions.create({ ...request, stream: true }),
    );
    assert.ok(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""));
    const error = await raised(OpenAI.NotFoundError, () =>
      there.chat.completions.create({ ...request, model: "no-such-model" }),
    );
    assert.equal(error.code, "model_not_found");
  },
};

for (const [name, run] of Object.entries(cases)) {
  await run();
  console.log(`ok ${name}`);
}
