package io.trackback.gocd;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/**
 * trackback's own server, which knows who asks; started once for all tests and ended with them. Its log has 10,000
 * promotions from the beginning, every second of which is of a run of the experiment Default, by the tag promote.
 *
 * <p>The system property {@code trackback.checkout} names the checkout (by default the one that this lies in),
 * {@code trackback.python} a Python that has trackback (by default that of the checkout's {@code .venv}),
 * {@code trackback.port} the port to listen on (by default one that is free).
 */
final class TrackbackProgram {
    private static final Path CHECKOUT =
            Path.of(System.getProperty("trackback.checkout", "../..")).toAbsolutePath().normalize();
    private static final String PASSWORD = "correct horse battery";
    private static TrackbackProgram running;
    private static AssertionError failed;

    final String url;

    /** Of a service that may read everything; of one that may also write. */
    final String reader;
    final String writer;

    private final Path folder;
    private final String python;
    private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final AtomicInteger names = new AtomicInteger();
    private Process process;

    static synchronized TrackbackProgram running() {
        if (failed != null) {
            throw failed;
        }
        try {
            running = running == null ? new TrackbackProgram() : running;
            return running;
        } catch (IOException | AssertionError e) {
            failed = new AssertionError("trackback's server could not be started", e);
            throw failed;
        }
    }

    private TrackbackProgram() throws IOException {
        python = System.getProperty("trackback.python", CHECKOUT.resolve(".venv/bin/python").toString());
        folder = Files.createTempDirectory("trackback-gocd-");
        int port = Integer.getInteger("trackback.port", 0);
        port = port > 0 ? port : freePort();
        url = "http://127.0.0.1:" + port;
        Process user = start("add-user.log", "user", "add", "root", "--admin", "--password-stdin", "--backend-store-uri", store());
        user.getOutputStream().write((PASSWORD + "\n").getBytes(StandardCharsets.UTF_8));
        user.getOutputStream().close();
        expectEnd(user);
        expectEnd(startPython("log.log", "-m", "tests.gocd.long_log", store()));
        process = start("server.log", "server", "--auth", "--host", "127.0.0.1", "--port", String.valueOf(port),
                "--backend-store-uri", store(), "--artifacts-destination", folder.resolve("artifacts").toString());
        Runtime.getRuntime().addShutdownHook(new Thread(this::stop));
        waitUntilItAnswers();
        reader = newToken("reader");
        writer = newToken("writer");
    }

    private static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return free.getLocalPort();
        }
    }

    private String store() {
        return "sqlite:///" + folder.resolve("trackback.db");
    }

    private Process start(String log, String... arguments) throws IOException {
        List<String> all = new ArrayList<>(List.of("-m", "trackback"));
        all.addAll(List.of(arguments));
        return startPython(log, all.toArray(new String[0]));
    }

    private Process startPython(String log, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(python));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command)
                .directory(CHECKOUT.toFile())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve(log).toFile())
                .start();
    }

    private void expectEnd(Process program) throws IOException {
        try {
            if (!program.waitFor(60, TimeUnit.SECONDS) || program.exitValue() != 0) {
                throw new IOException("trackback ended badly:\n" + logs());
            }
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    private void waitUntilItAnswers() throws IOException {
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (true) {
            try {
                if (send(HttpRequest.newBuilder(URI.create(url + "/health")).build()).statusCode() == 200) {
                    return;
                }
            } catch (IOException notYet) {
                if (!process.isAlive() || System.nanoTime() > deadline) {
                    throw new IOException("trackback's server does not answer:\n" + logs(), notYet);
                }
            }
            pause(50);
        }
    }

    static void pause(int ms) {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** What the programs have written. */
    String logs() throws IOException {
        StringBuilder text = new StringBuilder();
        for (String log : List.of("add-user.log", "log.log", "server.log")) {
            if (Files.exists(folder.resolve(log))) {
                text.append(Files.readString(folder.resolve(log)));
            }
        }
        return text.toString();
    }

    private void stop() {
        process.destroy();
        try {
            if (!process.waitFor(20, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
        }
        try (Stream<Path> all = Files.walk(folder)) {
            all.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
        } catch (IOException e) {
            System.err.println("left behind: " + folder);
        }
    }

    /** A name that nothing on the server has yet. */
    String newName(String kind) {
        return kind + "-" + names.incrementAndGet();
    }

    /** A token of a new service with these roles; none for a service that may nothing. */
    String newToken(String... roles) {
        String name = newName("service");
        post("/api/v1/users", Map.of("name", name, "service", true, "roles", List.of(roles)));
        return (String) post("/api/v1/tokens", Map.of("name", "gocd", "user", name)).get("secret");
    }

    /** A token whose time is over, which takes a day: the clock is put forward in the database. */
    String expiredToken() throws IOException {
        String name = newName("service");
        post("/api/v1/users", Map.of("name", name, "service", true, "roles", List.of("reader")));
        Map<String, Object> created = post("/api/v1/tokens", Map.of("name", "gocd", "user", name, "days", 1));
        String id = (String) ((Map<?, ?>) created.get("token")).get("id");
        expectEnd(new ProcessBuilder(python, "-c",
                "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], timeout=30)\n"
                        + "with db: assert db.execute('UPDATE tokens SET expires_ms = 1 WHERE id = ?', [sys.argv[2]]).rowcount == 1",
                folder.resolve("trackback.db").toString(), id)
                .inheritIO()
                .start());
        return (String) created.get("secret");
    }

    /** A version of a new or known model, with these files; its number. */
    String newVersion(String model, Map<String, byte[]> files) {
        String runId = newRun(Map.of(), files);
        if (status("/api/2.0/mlflow/registered-models/get?name=" + model) == 404) {
            post("/api/2.0/mlflow/registered-models/create", Map.of("name", model));
        }
        Map<String, Object> made = post("/api/2.0/mlflow/model-versions/create",
                Map.of("name", model, "source", "runs:/" + runId + "/model", "run_id", runId));
        return (String) ((Map<?, ?>) made.get("model_version")).get("version");
    }

    /** A finished run of the default experiment with these tags, and these files in the folder model; its id. */
    String newRun(Map<String, String> tags, Map<String, byte[]> files) {
        Map<String, Object> made = post("/api/2.0/mlflow/runs/create", Map.of("experiment_id", "0"));
        Map<?, ?> info = (Map<?, ?>) ((Map<?, ?>) made.get("run")).get("info");
        String runId = (String) info.get("run_id");
        String place = ((String) info.get("artifact_uri")).replaceFirst("^mlflow-artifacts:/", "");
        files.forEach((path, content) -> put("/api/2.0/mlflow-artifacts/artifacts/" + place + "/model/" + path, content));
        post("/api/2.0/mlflow/runs/update", Map.of("run_id", runId, "status", "FINISHED", "end_time", System.currentTimeMillis()));
        tags.forEach((key, value) -> tag(runId, key, value));
        return runId;
    }

    void tag(String runId, String key, String value) {
        post("/api/2.0/mlflow/runs/set-tag", Map.of("run_id", runId, "key", key, "value", value));
    }

    void untag(String runId, String key) {
        post("/api/2.0/mlflow/runs/delete-tag", Map.of("run_id", runId, "key", key));
    }

    /** A run that was promoted before anything else was, and 5,000 others after it. */
    static String oldestPromotedRun() {
        return "ab" + String.format("%030x", 2);
    }

    /** Promote a version to an environment; the promotion's number. */
    long promote(String model, String version, String environment, String reason) {
        Map<String, Object> done = post("/api/v1/promotions",
                Map.of("subject", "models:/" + model + "/" + version, "environment", environment, "reason", reason));
        return Long.parseLong(String.valueOf(((Map<?, ?>) done.get("promotion")).get("seq")));
    }

    long rollBack(String model, String environment) {
        Map<String, Object> done = post("/api/v1/promotions/rollback",
                Map.of("stream", "models:/" + model, "environment", environment, "reason", "worse"));
        return Long.parseLong(String.valueOf(((Map<?, ?>) done.get("promotion")).get("seq")));
    }

    Map<String, Object> post(String path, Map<String, ?> body) {
        return call(request(path)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(JsonWriter.write(new LinkedHashMap<String, Object>(body))))
                .build());
    }

    Map<String, Object> get(String path) {
        return call(request(path).build());
    }

    byte[] download(String path) {
        try {
            return http.send(request(path).build(), HttpResponse.BodyHandlers.ofByteArray()).body();
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(path, e);
        }
    }

    private void put(String path, byte[] content) {
        call(request(path).PUT(HttpRequest.BodyPublishers.ofByteArray(content)).build());
    }

    private int status(String path) {
        try {
            return send(request(path).build()).statusCode();
        } catch (IOException e) {
            throw new AssertionError(path, e);
        }
    }

    private HttpRequest.Builder request(String path) {
        String secret = Base64.getEncoder().encodeToString(("root:" + PASSWORD).getBytes(StandardCharsets.UTF_8));
        return HttpRequest.newBuilder(URI.create(url + path)).header("Authorization", "Basic " + secret);
    }

    private Map<String, Object> call(HttpRequest request) {
        try {
            HttpResponse<String> response = send(request);
            if (response.statusCode() != 200) {
                throw new AssertionError(request + ": " + response.statusCode() + " " + response.body());
            }
            return JsonObject.read(response.body().isEmpty() ? "{}" : response.body()).members();
        } catch (IOException | JsonException e) {
            throw new AssertionError(request.toString(), e);
        }
    }

    private HttpResponse<String> send(HttpRequest request) throws IOException {
        try {
            return http.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }
}
