package io.trackback.gocd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a job finds in its working directory of the files that were promoted, and what it is told. */
class FetchTaskTest extends FetchJob {
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
    void manyFilesAreFetchedWithFewLinesInTheConsole() throws Exception {
        for (int i = 0; i < 300; i++) {
            server.files.put("part-" + i, text("content " + i));
        }
        succeeds();
        assertEquals(300, files().size());
        assertTrue(console.lines.size() < 20, console.text()); // two, and one for each ten seconds of a slow machine
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
