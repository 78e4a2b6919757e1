// Vercel's AI SDK with @ai-sdk/openai (which asks /v1/responses unless told otherwise) and
// @ai-sdk/openai-compatible. suite: core

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import * as shared from "../client_cases.mjs";

const ai = await shared.load("ai");
const { z } = await shared.load("zod");
const { createOpenAI } = await shared.load("@ai-sdk/openai");
const { createOpenAICompatible } = await shared.load("@ai-sdk/openai-compatible");

const settings = { baseURL: shared.url, apiKey: shared.key };
const openai = createOpenAI(settings);
const compatible = createOpenAICompatible({
  name: "sluicegate",
  includeUsage: true,
  supportsStructuredOutputs: true,
  ...settings,
});
const prompt = shared.prompt;

// The three ways to one model.
const models = (name) => [openai(name), openai.chat(name), compatible(name)];
const weather = ai.tool({
  description: "The weather of a city.",
  inputSchema: z.object({ city: z.string() }),
  execute: ({ city }) => `sunny in ${city}`,
});

function errorOf(model) {
  return shared.thrown(() => ai.generateText({ model, prompt, maxRetries: 0 }));
}

// The text of a stream, and the error that ended it.
async function read(model) {
  const result = ai.streamText({ model, prompt, maxRetries: 0, onError: () => {} });
  const parts = [];
  try {
    for await (const part of result.fullStream) parts.push(part);
  } catch (error) {
    parts.push({ type: "error", error });
  }
  const of = (type) => parts.filter((part) => part.type === type);
  return {
    text: of("text-delta").map((part) => part.text).join(""),
    error: of("error")[0]?.error,
    usage: of("finish")[0]?.totalUsage,
    finishReason: of("finish")[0]?.finishReason,
  };
}

await shared.run({
  async chat() {
    for (const model of models("assistant")) {
      const answer = await ai.generateText({ model, prompt });
      assert.equal(answer.text, shared.greeting);
      assert.equal(answer.usage.totalTokens, 18);
    }
  },

  async stream() {
    for (const model of models("assistant")) {
      const { text, usage, error } = await read(model);
      assert.equal(error, undefined);
      assert.equal(text, shared.greeting);
      assert.equal(usage.totalTokens, 18);
    }
  },

  async tools() {
    for (const model of models("assistant")) {
      const request = { model, prompt, tools: { weather }, stopWhen: ai.stepCountIs(3) };
      const answer = await ai.generateText(request);
      assert.equal(answer.text, shared.forecast);
      assert.deepEqual(answer.steps[0].toolCalls[0].input, { city: "Paris" });
      const streamed = ai.streamText(request);
      assert.equal(await streamed.text, shared.forecast);
      assert.deepEqual((await streamed.steps)[0].toolResults[0].output, "sunny in Paris");
    }
  },

  async structured() {
    const schema = z.object({ city: z.string(), degrees: z.number() });
    for (const model of models("assistant")) {
      const output = ai.Output.object({ schema });
      const answer = await ai.generateText({ model, prompt, output });
      assert.deepEqual(answer.output, { city: "Paris", degrees: 21 });
    }
  },

  async embeddings() {
    for (const model of [openai.embedding("assistant"), compatible.embeddingModel("assistant")]) {
      const { embeddings } = await ai.embedMany({ model, values: ["one", "two"] });
      assert.deepEqual(embeddings, [shared.vector, shared.vector]);
    }
  },

  async errors() {
    const stranger = createOpenAI({ ...settings, apiKey: "sk-unknown" });
    const unknown = await errorOf(stranger("assistant"));
    assert.equal(unknown.statusCode, 401);
    for (const model of models("no-such-model")) {
      const error = await errorOf(model);
      assert.equal(error.statusCode, 404);
      assert.match(error.message, /no-such-model/);
      assert.equal(error.isRetryable, false);
    }
    for (const model of models("refuses")) {
      const error = await errorOf(model);
      assert.equal(error.statusCode, 400);
      assert.match(error.message, /The temperature must be below 2\./);
    }
    for (const model of models("fails")) assert.equal((await errorOf(model)).statusCode, 502);
  },

  async rate_limit() {
    const model = openai.chat("once");
    const error = await shared.thrown(async () => {
      for (let i = 0; i < 5; ++i) await ai.generateText({ model, prompt, maxRetries: 0 });
    });
    assert.equal(error.statusCode, 429);
    assert.equal(error.isRetryable, true);
    assert.ok(Number(error.responseHeaders["retry-after-ms"]) > 0);
  },

  async retry() {
    for (let i = 0; i < 2; ++i) {
      const answer = await ai.generateText({ model: openai.chat("retried"), prompt });
      assert.equal(answer.text, shared.greeting);
    }
  },

  async long_stream() {
    for (const model of models("long").slice(1)) {
      assert.equal((await read(model)).text, shared.long);
    }
  },

  async abort() {
    for (const name of ["endless", "silent"]) {
      const leave = new AbortController();
      const model = openai.chat(name);
      const request = { model, prompt, abortSignal: leave.signal, onError: () => {} };
      if (name === "silent") sleep(300).then(() => leave.abort());
      const parts = [];
      for await (const part of ai.streamText(request).fullStream) {
        parts.push(part.type);
        if (part.type === "text-delta") leave.abort();
      }
      assert.equal(parts.at(-1), "abort");
      assert.equal(parts.includes("text-delta"), name === "endless");
    }
  },

  async complete_ends() {
    for (const name of shared.completeEnds) {
      for (const model of models(name).slice(1)) {
        const { text, error, finishReason } = await read(model);
        assert.equal(error, undefined, name);
        assert.equal(text, shared.greeting, name);
        assert.equal(finishReason, "stop", name);
      }
    }
  },

  async broken_streams() {
    for (const name of shared.brokenStreams) {
      for (const model of models(name).slice(1)) {
        // An error beside `choices` is not seen by these libraries. Its finish_reason "error" is,
        // as "other".
        const { error, finishReason } = await read(model);
        assert.ok(error || finishReason === "other", name);
      }
    }
  },
});
