package io.trackback.gocd;

import static io.trackback.gocd.CalledExtension.PATIENT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The fetch task on an agent: what a job finds in its working directory, whatever the server and the network do. */
@Timeout(60)
class FetchTaskTest {
    private static final byte[] MODEL = Content.of(300_000);

    @TempDir Path directory;
    private FileServer server;
    private JobConsole console;
    private final Map<String, String> config = new LinkedHashMap<>(Map.of("Repo", "models", "Package", "churn"));
    private final Map<String, String> environment = new HashMap<>();
    private CalledExtension task = CalledExtension.task();

    @BeforeEach
    void start() throws IOException {
        server = new FileServer();
        console = new JobConsole();
        environment.putAll(Map.of(
                "GO_REPO_MODELS_CHURN_TRACKBACK_URL", server.url() + "/",
                "GO_REPO_MODELS_CHURN_TOKEN", "tb_hunter2",
                "GO_PACKAGE_MODELS_CHURN_PROMOTION", "12",
                "DATABASE_PASSWORD", "hunter3"));
    }

    @AfterEach
    void stop() {
        console.close();
        server.close();
    }

    /** A task as GoCD's agent runs it. */
    private Reply execute() {
        Map<String, Object> fields = new LinkedHashMap<>();
        config.forEach((key, value) -> fields.put(key, Map.of("value", value, "secure", false, "required", false)));
        Map<String, Object> context =
                Map.of("environmentVariables", environment, "workingDirectory", directory.toString());
        return task.ask("execute", JsonWriter.write(Map.of("config", fields, "context", context)));
    }

    private String succeeds() {
        Reply reply = execute();
        assertEquals(true, reply.object().get("success"), reply.body() + "\n" + console.text());
        return (String) reply.object().get("message");
    }

    private String fails() {
        Reply reply = execute();
        assertEquals(false, reply.object().get("success"), reply.body());
        String message = (String) reply.object().get("message");
        assertFalse((message + console.text()).contains("hunter"), message);
        return message;
    }

    private void assertFile(String path, byte[] content) throws IOException {
        assertArrayEquals(content, Files.readAllBytes(directory.resolve(path)), path);
    }

    /** All files below the working directory, parts too. */
    private TreeSet<String> files() throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            return all.filter(Files::isRegularFile)
                    .map(path -> directory.relativize(path).toString())
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void allFilesOfThePromotedModelAreBroughtUnderTheirPaths() throws Exception {
        server.files.put("MLmodel", text("flavors"));
        server.files.put("data/model with ä?#%.pkl", MODEL);
        server.files.put("data/empty", new byte[0]);
        config.put("Destination", "in/here");
        assertEquals("3 files of models:/churn/7 (300 kB)", succeeds());
        assertEquals(List.of("in/here/MLmodel", "in/here/data/empty", "in/here/data/model with ä?#%.pkl"), List.copyOf(files()));
        assertFile("in/here/data/model with ä?#%.pkl", MODEL);
        assertEquals(
                List.of("[trackback] fetching 3 files (300 kB) of models:/churn/7 into in/here",
                        "[trackback] fetched models:/churn/7, the SHA-256 of every file checked"),
                console.lines);
    }

    @Test
    void theServerIsAskedWithTheTokenAndNothingElseOfTheEnvironment() throws Exception {
        server.files.put("a", MODEL);
        config.put("ArtifactPattern", "**/*.pkl");
        succeeds();
        StandIn.Seen asked = server.http.seen.get(0);
        assertEquals(Map.of("promotion", 12L, "pattern", "**/*.pkl"), JsonObject.read(asked.body()).members());
        for (StandIn.Seen seen : server.http.seen) {
            assertEquals("Bearer tb_hunter2", seen.headers().get("Authorization"));
            assertFalse((seen.path() + seen.body() + seen.headers()).contains("hunter3"));
        }
    }

    @Test
    void withoutAPatternAllFilesAreMeant() throws Exception {
        server.files.put("a", MODEL);
        config.put("ArtifactPattern", "");
        succeeds();
        assertEquals("**", JsonObject.read(server.http.seen.get(0).body()).string("pattern"));
    }

    @Test
    void oneFileMayBeGivenAName() throws Exception {
        server.files.put("deep/down/model.pkl", MODEL);
        config.put("Destination", "in");
        config.put("DestinationFile", "the.model");
        succeeds();
        assertEquals(List.of("in/the.model"), List.copyOf(files()));
    }

    @Test
    void aNameForSeveralFilesIsRefusedBeforeAnyIsFetched() throws IOException {
        for (String path : List.of("a", "b", "c", "d")) {
            server.files.put(path, MODEL);
        }
        config.put("DestinationFile", "the.model");
        String message = fails();
        assertTrue(message.startsWith("DestinationFile the.model names one file, and the pattern matches 4 files of models:/churn/7: a, b, c, …"), message);
        assertEquals(List.of(), server.ranges());
        assertEquals(List.of(), List.copyOf(files()));
    }

    @Test
    void filesThatAreThereWithTheSameDigestAreNotFetchedAgain() throws Exception {
        server.files.put("a", MODEL);
        server.files.put("b", text("new"));
        Files.write(directory.resolve("a"), MODEL);
        Files.write(directory.resolve("b"), text("old"));
        succeeds();
        assertEquals(1, server.ranges().size());
        assertFile("b", text("new"));
        assertTrue(console.text().contains("fetching 1 file (3 bytes) of models:/churn/7 into " + directory.toRealPath() + "; 1 file already there"), console.text());
    }

    @Test
    void whatWasCutIsGoneOnWithFromWhereItWas() throws Exception {
        server.files.put("a", MODEL);
        server.interference = (exchange, path, request) -> {
            if (request == 1) {
                FileServer.serveSome(exchange, MODEL, 200_000);
            }
            return false;
        };
        succeeds();
        assertFile("a", MODEL);
        assertEquals("whole", server.ranges().get(0));
        assertTrue(server.ranges().get(1).matches("bytes=[1-9]\\d*-"), server.ranges().toString());
        assertTrue(console.text().contains("[trackback] a: " + server.url() + ": the connection was cut"), console.text());
        assertEquals(List.of("a"), List.copyOf(files()));
    }

    @Test
    void whatABrokenJobHasLeftIsGoneOnWithByTheNext() throws Exception {
        server.files.put("a", MODEL);
        server.interference = (exchange, path, request) -> {
            if (request == 1) {
                FileServer.serveSome(exchange, MODEL, 200_000);
            }
            StandIn.answer(exchange, 403, "{\"error_code\":\"PERMISSION_DENIED\",\"message\":\"No.\"}");
            return true;
        };
        assertTrue(fails().contains("does not allow this (403): No."));
        assertEquals(1, files().size());
        assertTrue(files().first().endsWith(".part"), files().toString());
        long left = Files.size(directory.resolve(files().first()));
        server.interference = (exchange, path, request) -> false;
        succeeds();
        assertEquals("bytes=" + left + "-", server.ranges().get(2));
        assertFile("a", MODEL);
        assertEquals(List.of("a"), List.copyOf(files()));
    }

    @Test
    void partsOfAFileThatHasChangedSinceAreNotUsed() throws Exception {
        server.files.put("a", MODEL);
        server.interference = (exchange, path, request) -> {
            if (request == 1) {
                FileServer.serveSome(exchange, MODEL, 200_000);
            }
            StandIn.answer(exchange, 403, "");
            return true;
        };
        fails();
        byte[] other = Content.of(300_001);
        server.files.put("a", other);
        server.interference = (exchange, path, request) -> false;
        succeeds();
        assertEquals("whole", server.ranges().get(2));
        assertFile("a", other);
        assertEquals(List.of("a"), List.copyOf(files()));
    }

    @Test
    void aDamagedPartIsThrownAwayAndTheFileFetchedAnew() throws Exception {
        server.files.put("a", MODEL);
        Path part = directory.resolve(".trackback-" + Sha256.of("a").substring(0, 16) + "-"
                + Content.sha256(MODEL).substring(0, 16) + ".part");
        Files.write(part, new byte[1000]);
        succeeds();
        assertEquals(List.of("bytes=1000-", "whole"), server.ranges());
        assertFile("a", MODEL);
    }

    @Test
    void aServerWithoutRangesSendsTheWholeFileAgain() throws Exception {
        server.files.put("a", MODEL);
        server.interference = (exchange, path, request) -> {
            if (request == 1) {
                FileServer.serveSome(exchange, MODEL, 200_000);
            }
            StandIn.answer(exchange, 200, MODEL);
            return true;
        };
        succeeds();
        assertFile("a", MODEL);
    }

    @Test
    void anotherPartThanWasAskedForIsNotTakenForIt() throws Exception {
        server.files.put("a", MODEL);
        server.interference = (exchange, path, request) -> {
            if (request == 1) {
                FileServer.serveSome(exchange, MODEL, 200_000);
            }
            if (request == 2) {
                exchange.getResponseHeaders().set("Content-Range", "bytes 7-299999/300000");
                StandIn.answer(exchange, 206, Content.from(MODEL, 7));
                return true;
            }
            return false;
        };
        succeeds();
        assertEquals("whole", server.ranges().get(2));
        assertFile("a", MODEL);
    }

    @Test
    void bytesThatAreNotTheListedOnesAreNotKept() throws Exception {
        server.files.put("a", MODEL);
        server.lies.put("a", Map.of("sha256", "0".repeat(64)));
        Files.write(directory.resolve("a"), text("old"));
        String message = fails();
        assertEquals("a arrived with other bytes than the server has listed: SHA-256 " + Content.sha256(MODEL) + " instead of "
                + "0".repeat(64) + ". Nothing of it was kept", message);
        assertEquals(2, server.ranges().size());
        assertFile("a", text("old"));
        assertEquals(List.of("a"), List.copyOf(files()));
    }

    @ParameterizedTest
    @ValueSource(ints = {299_999, 0})
    void moreBytesThanListedAreNotWritten(int listed) throws Exception {
        server.files.put("a", MODEL);
        server.lies.put("a", Map.of("size", listed));
        String message = fails();
        assertTrue(message.startsWith("a: the server sends more than") || listed == 0, message);
        assertTrue(files().stream().allMatch(name -> name.endsWith(".part")), files().toString());
        for (String part : files()) {
            assertTrue(Files.size(directory.resolve(part)) <= listed);
        }
    }

    @Test
    void fewerBytesThanListedAreAFailureAfterSomeAttempts() throws Exception {
        server.files.put("a", MODEL);
        server.lies.put("a", Map.of("size", 300_001));
        assertEquals("a ended after 300000 of its 300001 bytes", fails());
    }

    @Test
    void aFileThatTheServerKnowsNoDigestOfIsCheckedByItsSizeAndSaidToBe() throws Exception {
        server.files.put("a", MODEL);
        Map<String, Object> unknown = new HashMap<>();
        unknown.put("sha256", null);
        server.lies.put("a", unknown);
        Files.write(directory.resolve("a"), MODEL);
        succeeds();
        assertEquals(List.of("whole"), server.ranges());
        assertTrue(console.text().endsWith("but the server does not know the SHA-256 of 1 file: only sizes were checked there"), console.text());
    }

    @Test
    void aServerThatIsBusyIsAskedAgainAndTheConsoleSaysSo() throws Exception {
        server.files.put("a", MODEL);
        server.interference = (exchange, path, request) -> {
            if (request <= 2) {
                StandIn.answer(exchange, 503, "{\"error_code\":\"TEMPORARILY_UNAVAILABLE\",\"message\":\"Wait.\"}");
            }
            return request <= 2;
        };
        succeeds();
        assertEquals(2, console.lines.stream().filter(line -> line.contains("can't answer now (503): Wait; trying again in 0 s")).count(), console.text());
    }

    @Test
    void afterSomeFailuresInARowItIsGivenUp() throws Exception {
        server.files.put("a", MODEL);
        server.interference = (exchange, path, request) -> {
            StandIn.answer(exchange, 500, "");
            return true;
        };
        assertTrue(fails().endsWith("failed (500)"));
        assertEquals(PATIENT.attempts, server.ranges().size());
    }

    @Test
    void aTransferThatStandsStillIsCutAndGoneOnWith() throws Exception {
        task = new CalledExtension(new TaskExtension(new Patience(
                PATIENT.connect, PATIENT.answer, Duration.ofSeconds(1), PATIENT.attempts, PATIENT.firstPause)));
        server.files.put("a", MODEL);
        server.interference = (exchange, path, request) -> {
            if (request == 1) {
                exchange.sendResponseHeaders(200, MODEL.length);
                exchange.getResponseBody().write(MODEL, 0, 200_000);
                exchange.getResponseBody().flush();
                sleep(4000);
            }
            return false;
        };
        succeeds();
        assertTrue(console.text().contains("the transfer stood still for 1 s; trying again"), console.text());
        assertFile("a", MODEL);
    }

    private static void sleep(int ms) throws IOException {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"../x", "/tmp/trackback-x", "a/../../x", "a\\..\\x", "a\nb", "", "a/", "."})
    void aServerThatNamesFilesElsewhereGetsNothingWritten(String path) throws IOException {
        server.files.put("good", MODEL);
        server.files.put(path, MODEL);
        assertTrue(fails().startsWith(JsonWriter.write(path)));
        assertEquals(List.of(), List.copyOf(files()));
        assertFalse(Files.exists(directory.resolve("../x")) || Files.exists(Path.of("/tmp/trackback-x")));
    }

    @ParameterizedTest
    @CsvSource({"Destination, ..", "Destination, /tmp", "DestinationFile, ../x"})
    void aDestinationElsewhereIsRefused(String field, String value) throws IOException {
        server.files.put("a", MODEL);
        config.put(field, value);
        assertTrue(fails().contains("files are written only into the job's working directory"));
        assertEquals(List.of(), List.copyOf(files()));
    }

    @Test
    void aLinkInThePlaceOfAFileIsReplacedAndNotFollowed(@TempDir Path outside) throws Exception {
        server.files.put("a", MODEL);
        Path secret = Files.write(outside.resolve("secret"), text("mine"));
        Files.createSymbolicLink(directory.resolve("a"), secret);
        succeeds();
        assertArrayEquals(text("mine"), Files.readAllBytes(secret));
        assertFalse(Files.isSymbolicLink(directory.resolve("a")));
        assertFile("a", MODEL);
    }

    @Test
    void aLinkInThePlaceOfAPartIsNotFollowed(@TempDir Path outside) throws Exception {
        server.files.put("a", MODEL);
        Path secret = Files.write(outside.resolve("secret"), text("mine"));
        Path part = directory.resolve(".trackback-" + Sha256.of("a").substring(0, 16) + "-"
                + Content.sha256(MODEL).substring(0, 16) + ".part");
        Files.createSymbolicLink(part, secret);
        String message = fails();
        assertTrue(message.startsWith("can't write ") && message.contains(part.getFileName().toString()), message);
        assertArrayEquals(text("mine"), Files.readAllBytes(secret));
    }

    @Test
    void aLinkOutInThePlaceOfAFolderIsRefused(@TempDir Path outside) throws Exception {
        server.files.put("sub/a", MODEL);
        Files.createSymbolicLink(directory.resolve("sub"), outside);
        assertTrue(fails().startsWith("sub is a link that leads out of the job's working directory"));
        assertEquals(0, outside.toFile().list().length);
    }

    @Test
    void moreThanTheDiskHasRoomForIsRefusedBeforeAnyIsFetched() throws IOException {
        server.files.put("a", MODEL);
        server.lies.put("a", Map.of("size", 4_000_000_000_000_000_000L));
        String message = fails();
        assertTrue(message.contains("has too little room: "), message);
        assertTrue(message.endsWith(" free, and the files need 4.0 EB"), message);
        assertEquals(List.of(), server.ranges());
    }

    @Test
    void manyFilesAreFetchedWithFewLinesInTheConsole() throws Exception {
        for (int i = 0; i < 300; i++) {
            server.files.put("part-" + i, text("content " + i));
        }
        succeeds();
        assertEquals(300, files().size());
        assertEquals(2, console.lines.size());
    }

    @Test
    void aListingThatIsNoneIsNotTakenForOne() throws IOException {
        for (String answer : List.of(
                "[]", "{\"name\": \"x\", \"files\": 3}", "{\"files\": []}",
                "{\"name\": \"x\", \"files\": [{\"path\": \"a\", \"size\": \"1\", \"url\": \"/x\"}]}",
                "{\"name\": \"x\", \"files\": [{\"path\": \"a\", \"size\": 1, \"url\": \"/x\", \"sha256\": \"md5\"}]}")) {
            try (StandIn other = StandIn.answering(200, answer)) {
                environment.put("GO_REPO_MODELS_CHURN_TRACKBACK_URL", other.url());
                String message = fails();
                assertTrue(message.contains("answered to /gocd/v1/task/files what a trackback server would not ("), message);
            }
        }
    }

    @Test
    void noFileThatMatchesIsAFailure() throws IOException {
        config.put("ArtifactPattern", "*.onnx");
        assertEquals("no file of models:/churn/7 matches *.onnx", fails());
    }

    @Test
    void anAgentWhoseServerIsGoneSaysSo() {
        server.close();
        assertTrue(fails().contains("the connection was refused"));
    }

    @Test
    void aMissingMaterialIsNamed() {
        config.put("Package", "fraud");
        assertTrue(fails().startsWith("the job has no variable GO_PACKAGE_MODELS_FRAUD_PROMOTION"));
    }

    @Test
    void aMaterialMayHaveANameOfItsOwn() throws Exception {
        server.files.put("a", MODEL);
        environment.clear();
        environment.putAll(Map.of("GO_REPO_THE_MODEL_TRACKBACK_URL", server.url(), "GO_PACKAGE_THE_MODEL_RUN_ID", "abc"));
        config.putAll(Map.of("Repo", "the-model", "Package", ""));
        succeeds();
        assertEquals(Map.of("run_id", "abc", "pattern", "**"), JsonObject.read(server.http.seen.get(0).body()).members());
    }

    @Test
    void aTaskThatIsNotAsGocdSendsItFailsAsATask() {
        Reply reply = CalledExtension.task().ask("execute", "{}");
        assertEquals(false, reply.object().get("success"));
        assertTrue(((String) reply.object().get("message")).contains("config: an object was expected"), reply.body());
    }
}
