package io.trackback.gocd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What leaves an agent when a job publishes, and what a later job gets, whatever the server does. */
@Timeout(60)
class ArtifactStoreTest {
    @TempDir Path directory;
    private final FakeGocd gocd = new FakeGocd();
    private final AtomicInteger puts = new AtomicInteger();
    private int busyPuts;
    private int busyAnswers;

    /** A server that takes files and registers them. */
    private StandIn server() throws IOException {
        return new StandIn(exchange -> {
            String path = exchange.getRequestURI().getPath();
            if (path.startsWith("/gocd/") && busyAnswers-- > 0) {
                StandIn.answer(exchange, 503, "");
            } else if (path.equals("/gocd/v1/artifact/begin")) {
                StandIn.answer(exchange, 200, "{\"run_id\":\"abc\",\"upload_url\":\"/uploads/0/abc/artifacts/\"}");
            } else if (path.equals("/gocd/v1/artifact/finish")) {
                StandIn.answer(exchange, 200,
                        "{\"metadata\":{\"model\":\"churn\",\"version\":\"8\",\"digest\":\"sha256:d\",\"run_id\":\"abc\"}}");
            } else if (puts.incrementAndGet() <= busyPuts) {
                StandIn.answer(exchange, 503, "");
            } else {
                StandIn.answer(exchange, 200, "{}");
            }
        });
    }

    private Reply publish(String url, String source) {
        Map<String, Object> request = new LinkedHashMap<>();
        request.put("artifact_store", Map.of("id", "tb", "configuration", Map.of("TRACKBACK_URL", url, "TOKEN", "tb_hunter2")));
        request.put("artifact_plan", Map.of(
                "id", "model", "storeId", "tb", "configuration", Map.of("Source", source, "Model", "churn", "Experiment", "train")));
        request.put("environment_variables", Map.of(
                "GO_PIPELINE_NAME", "train", "GO_PIPELINE_COUNTER", "3", "AWS_SECRET_ACCESS_KEY", "hunter3"));
        request.put("agent_working_directory", directory.toString());
        return CalledExtension.artifact(gocd).ask("cd.go.artifact.publish-artifact", JsonWriter.write(request));
    }

    private void write(String path) throws IOException {
        Files.createDirectories(directory.resolve(path).getParent());
        Files.writeString(directory.resolve(path), "content of " + path);
    }

    private static List<String> sent(StandIn server) {
        return server.seen.stream().filter(seen -> seen.method().equals("PUT")).map(StandIn.Seen::path).toList();
    }

    @Test
    void theFilesOfAFolderBecomeAVersionWithTheJobAsItsOrigin() throws Exception {
        write("out/MLmodel");
        write("out/data/ä b.pkl");
        write("other");
        try (StandIn server = server()) {
            assertEquals(
                    "{\"metadata\":{\"model\":\"churn\",\"version\":\"8\",\"digest\":\"sha256:d\",\"run_id\":\"abc\"}}",
                    publish(server.url(), "out").body());
            assertEquals(
                    Map.of("artifact", "model", "model", "churn", "experiment", "train",
                            "job", Map.of("GO_PIPELINE_NAME", "train", "GO_PIPELINE_COUNTER", "3")),
                    JsonObject.read(server.seen.get(0).body()).members());
            assertEquals(
                    List.of("/uploads/0/abc/artifacts/MLmodel", "/uploads/0/abc/artifacts/data/%C3%A4%20b.pkl"), sent(server));
            assertEquals("content of out/MLmodel", server.seen.get(1).body());
            JsonObject finished = JsonObject.read(server.seen.get(3).body());
            JsonObject file = finished.objects("files").get(0);
            assertEquals("abc", finished.string("run_id"));
            assertEquals("MLmodel", file.string("path"));
            assertEquals(22, file.size("size"));
            assertEquals(Content.sha256("content of out/MLmodel".getBytes()), file.string("sha256"));
            for (StandIn.Seen seen : server.seen) {
                assertEquals("Bearer tb_hunter2", seen.headers().get("Authorization"));
                assertFalse((seen.path() + seen.body()).contains("hunter"));
            }
        }
        assertEquals(
                List.of("{\"logLevel\":\"INFO\",\"message\":\"sending 2 files (50 bytes) as a version of churn\"}",
                        "{\"logLevel\":\"INFO\",\"message\":\"published churn version 8, digest sha256:d\"}"),
                gocd.console.stream().map(ArtifactStoreTest::sorted).toList());
    }

    /** Of the two members of a line in the console, the order means nothing. */
    private static String sorted(String line) {
        try {
            JsonObject read = JsonObject.read(line);
            return "{\"logLevel\":\"" + read.string("logLevel") + "\",\"message\":" + JsonWriter.write(read.string("message")) + "}";
        } catch (JsonException e) {
            throw new AssertionError(line, e);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "out | a.pkl, deep/b.pkl, deep/c.txt",
        "./out/ | a.pkl, deep/b.pkl, deep/c.txt",
        "out/a.pkl | a.pkl",
        "out/**/*.pkl | a.pkl, deep/b.pkl",
        "out/*.pkl | a.pkl",
        "**/*.txt | out/deep/c.txt",
        "out/deep/?.txt | c.txt",
        ". | out/a.pkl, out/deep/b.pkl, out/deep/c.txt"})
    void pathsInTheModelBeginBehindTheFolderThatTheSourceNames(String source, String paths) throws Exception {
        write("out/a.pkl");
        write("out/deep/b.pkl");
        write("out/deep/c.txt");
        write("out/.trackback-0123456789abcdef-0123456789abcdef.part"); // which a broken fetch has left
        WorkingDirectory working = WorkingDirectory.at(directory.toString());
        assertEquals(List.of(paths.split(", ")), new ArrayList<>(new SourceFiles(working).matching(source).keySet()));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "gone | there is no gone in",
        "gone/*.pkl | there is no gone in",
        "*.onnx | no file in",
        "../up | must name files below the job's working directory",
        "/etc/passwd | must name files below the job's working directory"})
    void aSourceWithoutFilesIsAFailureBeforeTheServerIsAsked(String source, String expected) throws Exception {
        write("out/a.pkl");
        try (StandIn server = server()) {
            String message = publish(server.url(), source).error();
            assertTrue(message.contains(expected), message);
            assertEquals(List.of(), server.seen);
            assertTrue(sorted(gocd.console.get(0)).startsWith("{\"logLevel\":\"ERROR\""), gocd.console.toString());
        }
    }

    @Test
    void aLinkThatLeadsOutIsNotPublished(@TempDir Path outside) throws Exception {
        Files.writeString(outside.resolve("id_rsa"), "hunter2");
        write("out/a.pkl");
        Files.createSymbolicLink(directory.resolve("out/b.pkl"), outside.resolve("id_rsa"));
        Files.createSymbolicLink(directory.resolve("folder"), outside);
        try (StandIn server = server()) {
            assertTrue(publish(server.url(), "out").error().startsWith("out/b.pkl is a link that leads out of the job's working directory"));
            assertTrue(publish(server.url(), "out/b.pkl").error().contains("leads out of the job's working directory"));
            assertTrue(publish(server.url(), "folder").error().contains("leads out of the job's working directory"));
            assertTrue(publish(server.url(), "folder/id_rsa").error().contains("leads out of the job's working directory"));
            assertEquals(List.of(), server.seen);
        }
    }

    @Test
    void aLinkToAFileBesideItIsPublishedAsTheFile() throws Exception {
        write("out/a.pkl");
        Files.createSymbolicLink(directory.resolve("out/latest.pkl"), Path.of("a.pkl"));
        try (StandIn server = server()) {
            assertEquals(200, publish(server.url(), "out").status());
            assertEquals("content of out/a.pkl", server.seen.get(2).body());
        }
    }

    @Test
    void aServerThatIsBusyIsAskedAgain() throws Exception {
        write("out/a.pkl");
        busyPuts = 2;
        try (StandIn server = server()) {
            assertEquals(200, publish(server.url(), "out").status());
            assertEquals(3, puts.get());
        }
    }

    @Test
    void aServerThatIsBusyWhenItBeginsOrEndsIsAskedAgainToo() throws Exception {
        write("out/a.pkl");
        busyAnswers = 2;
        try (StandIn server = server()) {
            assertEquals(200, publish(server.url(), "out").status());
        }
    }

    @Test
    void aServerThatStaysBusyIsAFailure() throws Exception {
        write("out/a.pkl");
        busyPuts = 99;
        try (StandIn server = server()) {
            assertTrue(publish(server.url(), "out").error().endsWith("can't answer now (503)"));
            assertEquals(CalledExtension.PATIENT.attempts, puts.get());
            assertTrue(server.seen.stream().noneMatch(seen -> seen.path().endsWith("/finish")));
        }
    }

    @Test
    void aFileThatTheServerRefusesIsAFailureAtOnce() throws Exception {
        write("out/a.pkl");
        try (StandIn server = new StandIn(exchange -> {
            if (exchange.getRequestMethod().equals("PUT")) {
                StandIn.answer(exchange, 403, "{\"error_code\":\"PERMISSION_DENIED\",\"message\":\"Readers don't write.\"}");
            } else {
                StandIn.answer(exchange, 200, "{\"run_id\":\"abc\",\"upload_url\":\"/u\"}");
            }
        })) {
            assertTrue(publish(server.url(), "out").error().contains("does not allow this (403): Readers don't write."));
            assertEquals(1, sent(server).size());
        }
    }

    @Test
    void anAnswerThatIsNoneIsNotTakenForAPublication() throws Exception {
        write("out/a.pkl");
        for (String answer : List.of("{}", "[]", "{\"run_id\":7,\"upload_url\":\"/u\"}", "{\"run_id\":\"abc\"}")) {
            try (StandIn server = StandIn.answering(200, answer)) {
                assertTrue(publish(server.url(), "out").error().contains("what a trackback server would not ("), answer);
            }
        }
    }

    @Test
    void aConsoleThatCanNotBeWrittenToFailsNoJob() throws Exception {
        write("out/a.pkl");
        gocd.broken = true;
        try (StandIn server = server()) {
            assertEquals(200, publish(server.url(), "out").status());
        }
    }

    private Reply fetch(String url, Map<String, String> metadata, Map<String, String> fields) {
        return CalledExtension.artifact(gocd).ask("cd.go.artifact.fetch-artifact", JsonWriter.write(Map.of(
                "store_configuration", Map.of("TRACKBACK_URL", url, "TOKEN", "tb_hunter2"),
                "fetch_artifact_configuration", fields,
                "artifact_metadata", metadata,
                "agent_working_directory", directory.toString())));
    }

    @Test
    void aLaterJobGetsThatVersionAndVariablesThatNameIt() throws Exception {
        try (FileServer server = new FileServer()) {
            server.files.put("a", Content.of(100));
            Reply reply = fetch(server.url(), Map.of("model", "churn", "version", "7", "digest", "sha256:abc", "run_id", "r"), Map.of("Destination", "in"));
            assertEquals(
                    List.of("TRACKBACK_MODEL=churn", "TRACKBACK_VERSION=7", "TRACKBACK_DIGEST=sha256:abc", "TRACKBACK_RUN_ID=r",
                            "TRACKBACK_PATH=" + directory.toRealPath().resolve("in")),
                    reply.list().stream().map(variable -> variable.get("name") + "=" + variable.get("value")).toList());
            assertTrue(reply.list().stream().allMatch(variable -> Boolean.FALSE.equals(variable.get("secure"))));
            assertEquals(
                    Map.of("model", "churn", "version", "7", "pattern", "**"),
                    JsonObject.read(server.http.seen.get(0).body()).members());
            assertTrue(Files.exists(directory.resolve("in/a")));
        }
    }

    @Test
    void variablesMayHaveAnotherPrefix() throws Exception {
        try (FileServer server = new FileServer()) {
            server.files.put("a", Content.of(100));
            Reply reply = fetch(server.url(), Map.of("model", "churn", "version", "7"), Map.of("Prefix", "CHURN", "ArtifactPattern", "a"));
            assertEquals(
                    List.of("CHURN_MODEL", "CHURN_VERSION", "CHURN_PATH"),
                    reply.list().stream().map(variable -> variable.get("name")).toList());
        }
    }

    @Test
    void aVersionOfAnotherDigestThanWasPublishedIsNotFetched() throws Exception {
        try (FileServer server = new FileServer()) {
            server.files.put("a", Content.of(100));
            String message = fetch(server.url(), Map.of("model", "churn", "version", "7", "digest", "sha256:other"), Map.of()).error();
            assertTrue(message.startsWith("models:/churn/7 is not what was published: its digest is sha256:abc"), message);
            assertFalse(Files.exists(directory.resolve("a")));
        }
    }

    @Test
    void metadataThatThisPluginHasNotMadeIsAnError() throws Exception {
        assertTrue(fetch("http://m", Map.of("image", "x"), Map.of()).error().contains("artifact_metadata.model: a string was expected"));
    }
}
