// LangChain for JavaScript (@langchain/openai). suite: all

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import * as shared from "../client_cases.mjs";

const { ChatOpenAI, OpenAIEmbeddings } = await shared.load("@langchain/openai");
const { tool } = await shared.load("@langchain/core/tools");
const { HumanMessage, ToolMessage } = await shared.load("@langchain/core/messages");
const { z } = await shared.load("zod");

const configuration = { baseURL: shared.url };
const prompt = shared.prompt;

function chatModel(model = "assistant", more = {}) {
  return new ChatOpenAI({ model, apiKey: shared.key, configuration, maxRetries: 0, ...more });
}

async function textOf(model) {
  const chunks = await shared.collect(await chatModel(model).stream(prompt));
  return chunks.map((chunk) => chunk.text).join("");
}

await shared.run({
  async chat() {
    for (const more of [{}, { useResponsesApi: true }]) {
      const answer = await chatModel("assistant", more).invoke(prompt);
      assert.equal(answer.text, shared.greeting);
      assert.equal(answer.usage_metadata.total_tokens, 18);
    }
  },

  async stream() {
    for (const more of [{}, { useResponsesApi: true }]) {
      const chunks = await shared.collect(await chatModel("assistant", more).stream(prompt));
      assert.equal(chunks.map((chunk) => chunk.text).join(""), shared.greeting);
      const whole = chunks.reduce((sum, chunk) => sum.concat(chunk));
      assert.equal(whole.usage_metadata.total_tokens, 18);
    }
  },

  async tools() {
    const weather = tool(({ city }) => `sunny in ${city}`, {
      name: "get_weather",
      description: "The weather of a city.",
      schema: z.object({ city: z.string() }),
    });
    const bound = chatModel().bindTools([weather]);
    const turns = [new HumanMessage(prompt)];
    const called = await bound.invoke(turns);
    const chunks = await shared.collect(await bound.stream(turns));
    for (const message of [called, chunks.reduce((sum, chunk) => sum.concat(chunk))]) {
      assert.equal(message.tool_calls[0].name, "get_weather");
      assert.deepEqual(message.tool_calls[0].args, { city: "Paris" });
    }
    const { id } = called.tool_calls[0];
    turns.push(called, new ToolMessage({ content: "sunny", tool_call_id: id }));
    assert.equal((await bound.invoke(turns)).text, shared.forecast);
  },

  async structured() {
    const schema = z.object({ city: z.string(), degrees: z.number() });
    const model = chatModel().withStructuredOutput(schema, { method: "jsonSchema" });
    assert.deepEqual(await model.invoke(prompt), { city: "Paris", degrees: 21 });
  },

  async embeddings() {
    const settings = { model: "assistant", apiKey: shared.key, configuration };
    const vectors = await new OpenAIEmbeddings(settings).embedDocuments(["one", "two"]);
    assert.deepEqual(vectors, [shared.vector, shared.vector]);
  },

  async errors() {
    const errorOf = (model, more) => shared.thrown(() => chatModel(model, more).invoke(prompt));
    assert.equal((await errorOf("assistant", { apiKey: "sk-unknown" })).status, 401);
    assert.equal((await errorOf("no-such-model")).status, 404);
    const refused = await errorOf("refuses");
    assert.equal(refused.status, 400);
    assert.match(refused.message, /The temperature must be below 2\./);
    assert.equal((await errorOf("fails")).status, 502);
  },

  async rate_limit() {
    const error = await shared.thrown(async () => {
      for (let i = 0; i < 5; ++i) await chatModel("once").invoke(prompt);
    });
    assert.equal(error.status, 429);
  },

  async retry() {
    const patient = chatModel("retried", { maxRetries: 6 });
    for (let i = 0; i < 2; ++i) {
      assert.equal((await patient.invoke(prompt)).text, shared.greeting);
    }
  },

  async long_stream() {
    assert.equal(await textOf("long"), shared.long);
  },

  async abort() {
    for (const name of ["endless", "silent"]) {
      const leave = new AbortController();
      if (name === "silent") sleep(300).then(() => leave.abort());
      await shared.thrown(async () => {
        const { signal } = leave;
        for await (const _ of await chatModel(name).stream(prompt, { signal })) leave.abort();
      });
    }
  },

  async complete_ends() {
    for (const name of shared.completeEnds) assert.equal(await textOf(name), shared.greeting, name);
  },

  async broken_streams() {
    for (const name of shared.brokenStreams) await shared.thrown(() => textOf(name));
  },
});
