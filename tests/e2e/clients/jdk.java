// java.net.http.HttpClient as the JDK ships it, without a setting: it offers HTTP/2 with every
// request (Upgrade: h2c). LangChain4j and Spring AI stand on it. suite: core

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

class Jdk {
    static final String URL = System.getenv("SLUICEGATE_URL");
    static final String KEY = System.getenv("SLUICEGATE_KEY");
    static final String GREETING = "Hello from the upstream.";
    static final HttpClient client = HttpClient.newHttpClient();

    static void expect(boolean holds, Object seen) {
        if (!holds) throw new AssertionError(String.valueOf(seen));
    }

    static void ok(String name) {
        System.out.println("ok " + name);
    }

    static HttpRequest request(String path, String key, String body) {
        return HttpRequest.newBuilder(URI.create(URL + path))
            .timeout(Duration.ofSeconds(60))
            .header("Authorization", "Bearer " + key)
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(body))
            .build();
    }

    static HttpRequest chatRequest(String model, String more) {
        return request("/chat/completions", KEY, "{\"model\":\"" + model + "\"," + more
            + "\"messages\":[{\"role\":\"user\",\"content\":\"a-prompt-nobody-may-log\"}]}");
    }

    static HttpResponse<String> ask(HttpRequest request) throws Exception {
        HttpResponse<String> answer = client.send(request, BodyHandlers.ofString());
        expect(answer.version() == HttpClient.Version.HTTP_1_1, answer.version());
        return answer;
    }

    static HttpResponse<String> chat(String model) throws Exception {
        return ask(chatRequest(model, ""));
    }

    // The values of a member that are strings, in order; enough of JSON for what the provider says.
    static String all(String name, String json) {
        var found = Pattern.compile("\"" + name + "\": ?\"((?:[^\"\\\\]|\\\\.)*)\"").matcher(json);
        var out = new StringBuilder();
        while (found.find()) out.append(found.group(1));
        return out.toString();
    }

    static List<String> lines(String model) throws Exception {
        var answer = client.send(chatRequest(model, "\"stream\":true,"), BodyHandlers.ofLines());
        expect(answer.statusCode() == 200, answer.statusCode());
        var lines = new ArrayList<String>();
        try (Stream<String> body = answer.body()) {
            body.forEach(lines::add);
        }
        return lines;
    }

    static String text(List<String> lines) {
        return lines.stream().map(line -> all("content", line)).collect(Collectors.joining());
    }

    static boolean isCut(String model) throws Exception {
        try {
            return lines(model).stream().anyMatch(line -> line.contains("\"error\""));
        } catch (java.io.UncheckedIOException | java.io.IOException cut) {
            return true;
        }
    }

    static void expectError(HttpResponse<String> answer, int status, String code) {
        expect(answer.statusCode() == status, answer.statusCode() + answer.body());
        expect(answer.body().contains(code), answer.body());
        expect(answer.headers().firstValue("x-request-id").isPresent(), answer.headers());
    }

    public static void main(String[] arguments) throws Exception {
        expect(all("content", chat("assistant").body()).equals(GREETING), "chat");
        // One client asks in parallel, on several connections.
        List<CompletableFuture<HttpResponse<String>>> asked = new ArrayList<>();
        for (int i = 0; i < 20; ++i) {
            asked.add(client.sendAsync(chatRequest("assistant", ""), BodyHandlers.ofString()));
        }
        for (var answer : asked) expect(answer.join().statusCode() == 200, answer.join());
        var models = HttpRequest.newBuilder(URI.create(URL + "/models"))
            .header("Authorization", "Bearer " + KEY).build();
        expect(ask(models).body().contains("\"assistant\""), "models");
        ok("chat");

        List<String> lines = lines("assistant");
        expect(text(lines).equals(GREETING), lines);
        expect(lines.contains("data: [DONE]"), lines);
        ok("stream");

        String tools = "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"get_weather\","
            + "\"parameters\":{\"type\":\"object\"}}}],";
        HttpResponse<String> called = ask(chatRequest("assistant", tools));
        expect(all("name", called.body()).equals("get_weather"), called.body());
        expect(called.body().contains("{\\\"city\\\": \\\"Paris\\\"}"), called.body());
        ok("tools");

        String schema = "\"response_format\":{\"type\":\"json_object\"},";
        HttpResponse<String> structured = ask(chatRequest("assistant", schema));
        expect(structured.body().contains("\\\"degrees\\\": 21}"), structured.body());
        ok("structured");

        HttpResponse<String> vectors = ask(request("/embeddings", KEY,
            "{\"model\":\"assistant\",\"input\":[\"one\",\"two\"]}"));
        expect(vectors.body().split("\\[0.25, -0.5, 0.75\\]", -1).length == 3, vectors.body());
        ok("embeddings");

        String hello = "{\"model\":\"assistant\",\"messages\":[]}";
        expectError(ask(request("/chat/completions", "sk-unknown", hello)), 401, "invalid_api_key");
        expectError(chat("no-such-model"), 404, "model_not_found");
        expectError(chat("refuses"), 400, "The temperature must be below 2.");
        expectError(chat("fails"), 502, "server_error");
        ok("errors");

        HttpResponse<String> refused = chat("once");
        for (int i = 0; i < 4 && refused.statusCode() != 429; ++i) refused = chat("once");
        expectError(refused, 429, "rate_limit_error");
        expect(refused.headers().firstValueAsLong("retry-after-ms").orElse(0) > 0, refused);
        ok("rate_limit");

        // The JDK repeats nothing by itself; this is what libraries on it do.
        for (int i = 0; i < 2; ++i) {
            HttpResponse<String> answer = chat("retried");
            for (int j = 0; j < 5 && answer.statusCode() == 429; ++j) {
                Thread.sleep(answer.headers().firstValueAsLong("retry-after-ms").getAsLong());
                answer = chat("retried");
            }
            expect(answer.statusCode() == 200, answer);
        }
        ok("retry");

        String whole = IntStream.range(0, 3000).mapToObj(number -> number + " grüße ☕ ")
            .collect(Collectors.joining());
        expect(text(lines("long")).equals(whole), "long");
        ok("long_stream");

        HttpRequest endless = chatRequest("endless", "\"stream\":true,");
        try (Stream<String> body = client.send(endless, BodyHandlers.ofLines()).body()) {
            expect(body.limit(10).count() == 10, "ten lines");
        }
        var waiting = client.sendAsync(chatRequest("silent", ""), BodyHandlers.ofString());
        Thread.sleep(300);
        waiting.cancel(true);
        try {
            waiting.join();
            throw new AssertionError("a cancelled request was answered");
        } catch (CancellationException | CompletionException expected) {
            ok("abort");
        }

        for (String model : List.of("no-done", "silent-end", "until-close")) {
            expect(text(lines(model)).equals(GREETING), model);
        }
        ok("complete_ends");

        for (String model : List.of("error-in-chunk", "dies-mid-stream")) {
            expect(isCut(model), model);
        }
        ok("broken_streams");
    }
}
