package io.trackback.gocd;

import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A trackback server, asked as whom a token names. */
final class TrackbackServer {
    /** A hundred thousand files of a model take about 20 MB to list. */
    private static final int MAX_ANSWER_BYTES = 64 << 20;

    private final ServerSettings settings;
    private final Patience patience;
    private final HttpClient http;
    private final Diagnosis diagnosis;

    TrackbackServer(ServerSettings settings, Patience patience) {
        this.settings = settings;
        this.patience = patience;
        this.http = Http.client(patience.connect);
        this.diagnosis = new Diagnosis(settings);
    }

    /** What the server answers to one of GoCD's requests: the text of a JSON value. */
    String ask(String extension, String request, Object body) throws ServerFailure {
        String path = "/gocd/v1/" + extension + "/" + request;
        String answer = post(path, JsonWriter.write(body));
        try {
            JsonReader.read(answer);
            return answer;
        } catch (JsonException e) {
            throw diagnosis.garbled(path, answer, e);
        }
    }

    /** What the server answers to one of ours: a JSON object. */
    JsonObject askObject(String extension, String request, Object body) throws ServerFailure {
        String answer = ask(extension, request, body);
        try {
            return JsonObject.read(answer);
        } catch (JsonException e) {
            throw nonsense(extension, request, answer, e);
        }
    }

    /** The failure of an answer that has not what it must have. */
    ServerFailure nonsense(String extension, String request, String answer, JsonException error) {
        return diagnosis.garbled("/gocd/v1/" + extension + "/" + request, answer, error);
    }

    /**
     * Post what may be repeated, as all of our requests may: once more where the server has just closed the connection
     * or is being restarted, as GoCD does not ask for minutes after a poll that failed.
     */
    private String post(String path, String json) throws ServerFailure {
        long deadline = System.nanoTime() + patience.answer.toNanos();
        try {
            return post(path, json, deadline);
        } catch (ServerFailure e) {
            if (!diagnosis.isWorthAnother(e.getCause())) {
                throw e;
            }
            pause();
            return post(path, json, deadline);
        }
    }

    private void pause() throws ServerFailure {
        try {
            Thread.sleep(patience.firstPause.toMillis());
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private String post(String path, String json, long deadline) throws ServerFailure {
        HttpRequest request = request(path)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(json, StandardCharsets.UTF_8))
                .build();
        CompletableFuture<HttpResponse<String>> exchange =
                http.sendAsync(request, info -> new LimitedBody(MAX_ANSWER_BYTES));
        try {
            // The client's own timeout ends with the headers; this one holds for the whole answer.
            return expect(exchange.get(deadline - System.nanoTime(), TimeUnit.NANOSECONDS), path);
        } catch (TimeoutException e) {
            exchange.cancel(true);
            throw diagnosis.late(patience.answer.toMillis());
        } catch (ExecutionException e) {
            throw diagnosis.unreached(e.getCause(), patience);
        } catch (InterruptedException e) {
            exchange.cancel(true);
            throw interrupted(e);
        }
    }

    private String expect(HttpResponse<String> response, String path) throws ServerFailure {
        if (response.statusCode() == 200) {
            return response.body();
        }
        throw refused(response.statusCode(), path, response.body(), response.headers().firstValue("Location").orElse(null));
    }

    /** The failure of an answer by its status. */
    ServerFailure refused(int status, String path, String body, String location) {
        return diagnosis.refused(status, path, body, location);
    }

    /** A request for a path on this server, with the token. */
    HttpRequest.Builder request(String path) throws ServerFailure {
        HttpRequest.Builder request = HttpRequest.newBuilder(settings.address().at(path))
                .header("X-Trackback-Plugin", PluginVersion.TEXT);
        if (settings.token().isThere()) {
            request.header("Authorization", settings.token().authorization());
        }
        return request;
    }

    HttpClient http() {
        return http;
    }

    Patience patience() {
        return patience;
    }

    Diagnosis diagnosis() {
        return diagnosis;
    }

    /** GoCD interrupts its threads when a job is cancelled or it stops. */
    static ServerFailure interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return ServerFailure.lasting("interrupted while waiting for the trackback server", e);
    }
}
