package io.trackback.gocd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What jobs and stages do with models, by GoCD's own requests against trackback's own server. */
class JobStoryTest {
    private static final byte[] WEIGHTS = Content.of(3_000_000);

    @TempDir Path directory;
    private final TrackbackProgram trackback = TrackbackProgram.running();
    private final FakeGocd gocd = new FakeGocd();
    private final CalledExtension artifact = CalledExtension.with(gocd, new ArtifactExtension());

    private static Map<String, Object> values(Map<String, String> fields) {
        Map<String, Object> values = new LinkedHashMap<>();
        fields.forEach((key, value) -> values.put(key, Map.of("value", value, "secure", false, "required", false)));
        return values;
    }

    private Map<String, Object> fetch(Map<String, String> fields, Map<String, String> environment) {
        Map<String, String> variables = new HashMap<>(environment);
        variables.put("GO_REPO_MODELS_CHURN_TRACKBACK_URL", trackback.url);
        variables.put("GO_REPO_MODELS_CHURN_TOKEN", trackback.reader);
        Map<String, String> config = new HashMap<>(Map.of("Repo", "models", "Package", "churn"));
        config.putAll(fields);
        try (JobConsole console = new JobConsole()) {
            Reply reply = new CalledExtension(new TaskExtension()).ask("execute", JsonWriter.write(Map.of(
                    "config", values(config),
                    "context", Map.of("environmentVariables", variables, "workingDirectory", directory.toString()))));
            assertTrue(console.text().startsWith("[trackback] fetching ") || console.lines.isEmpty(), console.text());
            return reply.object();
        }
    }

    private static Map<String, String> promoted(long number) {
        return Map.of("GO_PACKAGE_MODELS_CHURN_PROMOTION", String.valueOf(number));
    }

    @Test
    void theFetchTaskBringsWhatWasPromotedWhateverWasPromotedSince() throws IOException {
        String model = trackback.newName("churn");
        trackback.newVersion(model, Map.of("MLmodel", "one".getBytes(), "data/weights.bin", WEIGHTS));
        long first = trackback.promote(model, "1", "staging", "first");
        trackback.newVersion(model, Map.of("MLmodel", "two".getBytes()));
        trackback.promote(model, "2", "staging", "second");
        Map<String, Object> result = fetch(Map.of("Destination", "in"), promoted(first));
        assertEquals(Map.of("success", true, "message", "2 files of models:/" + model + "/1 (3.0 MB)"), result);
        assertEquals("one", Files.readString(directory.resolve("in/MLmodel")));
        assertArrayEquals(WEIGHTS, Files.readAllBytes(directory.resolve("in/data/weights.bin")));
    }

    @Test
    void aPatternChoosesAndOneFileMayBeNamed() throws IOException {
        String model = trackback.newName("churn");
        trackback.newVersion(model, Map.of("MLmodel", "one".getBytes(), "data/weights.bin", WEIGHTS));
        Map<String, String> environment =
                Map.of("GO_PACKAGE_MODELS_CHURN_MODEL", model, "GO_PACKAGE_MODELS_CHURN_VERSION", "1");
        Map<String, Object> result =
                fetch(Map.of("ArtifactPattern", "**/*.bin", "DestinationFile", "the.bin"), environment);
        assertEquals(true, result.get("success"), result.toString());
        assertArrayEquals(WEIGHTS, Files.readAllBytes(directory.resolve("the.bin")));
        assertFalse(Files.exists(directory.resolve("MLmodel")));
    }

    @Test
    void theServerGoesOnWithAPartThatABrokenJobHasLeft() throws IOException {
        String model = trackback.newName("churn");
        trackback.newVersion(model, Map.of("weights.bin", WEIGHTS));
        long number = trackback.promote(model, "1", "staging", "first");
        Path part = directory.resolve(".trackback-" + Sha256.of("weights.bin").substring(0, 16) + "-"
                + Content.sha256(WEIGHTS).substring(0, 16) + ".part");
        Files.write(part, java.util.Arrays.copyOf(WEIGHTS, 2_000_000));
        assertEquals(true, fetch(Map.of(), promoted(number)).get("success"));
        assertArrayEquals(WEIGHTS, Files.readAllBytes(directory.resolve("weights.bin")));
        assertFalse(Files.exists(part));
    }

    @Test
    void aPullRequestsRunIsFetchedByItsId() throws IOException {
        String runId = trackback.newRun(Map.of(), Map.of("MLmodel", "mine".getBytes()));
        Map<String, Object> result = fetch(Map.of(), Map.of("GO_PACKAGE_MODELS_CHURN_RUN_ID", runId));
        assertEquals(true, result.get("success"), result.toString());
        assertEquals("mine", Files.readString(directory.resolve("model/MLmodel")));
    }

    @Test
    void aPatternThatMatchesNothingIsToldWhatThereIs() {
        String model = trackback.newName("churn");
        trackback.newVersion(model, Map.of("MLmodel", "one".getBytes()));
        long number = trackback.promote(model, "1", "staging", "first");
        Map<String, Object> result = fetch(Map.of("ArtifactPattern", "*.onnx"), promoted(number));
        assertEquals(false, result.get("success"));
        assertTrue(((String) result.get("message")).contains("MLmodel"), result.toString());
    }

    private Reply publish(String token, String model, String counter) {
        Map<String, String> environment = new HashMap<>(Map.of(
                "GO_SERVER_URL", "https://gocd.example.com/go", "GO_PIPELINE_NAME", "train", "GO_PIPELINE_COUNTER", counter,
                "GO_STAGE_NAME", "fit", "GO_STAGE_COUNTER", "1", "GO_JOB_NAME", "all",
                "GO_REVISION_CODE", "0123456789abcdef0123456789abcdef01234567"));
        environment.put("AWS_SECRET_ACCESS_KEY", "hunter2");
        return artifact.ask("cd.go.artifact.publish-artifact", JsonWriter.write(Map.of(
                "artifact_store", Map.of("id", "tb", "configuration", Map.of("TRACKBACK_URL", trackback.url, "TOKEN", token)),
                "artifact_plan", Map.of("id", "model", "storeId", "tb", "configuration",
                        Map.of("Source", "out/**", "Model", model, "Experiment", "Default")),
                "environment_variables", environment,
                "agent_working_directory", directory.toString())));
    }

    @Test
    void whatAJobPublishesIsAVersionThatALaterJobGetsToTheByte(@TempDir Path later) throws IOException {
        String model = trackback.newName("churn");
        Files.createDirectories(directory.resolve("out/data"));
        Files.writeString(directory.resolve("out/MLmodel"), "flavors: {}");
        Files.write(directory.resolve("out/data/ä weights?.bin"), WEIGHTS);
        Map<?, ?> metadata = (Map<?, ?>) publish(trackback.writer, model, "3").object().get("metadata");
        assertEquals(model, metadata.get("model"));
        assertEquals("1", metadata.get("version"));
        // GoCD runs a publication again when its answer was lost: no second version comes of it.
        assertEquals(metadata, publish(trackback.writer, model, "3").object().get("metadata"));
        Map<String, Object> run = trackback.get("/api/2.0/mlflow/runs/get?run_id=" + metadata.get("run_id"));
        assertTrue(run.toString().contains("0123456789abcdef0123456789abcdef01234567"), run.toString());
        assertFalse(run.toString().contains("hunter2"));

        Reply fetched = artifact.ask("cd.go.artifact.fetch-artifact", JsonWriter.write(Map.of(
                "store_configuration", Map.of("TRACKBACK_URL", trackback.url, "TOKEN", trackback.reader),
                "fetch_artifact_configuration", Map.of("Destination", "model"),
                "artifact_metadata", metadata,
                "agent_working_directory", later.toString())));
        Map<String, String> variables = new HashMap<>();
        fetched.list().forEach(variable -> variables.put((String) variable.get("name"), (String) variable.get("value")));
        assertEquals(metadata.get("digest"), variables.get("TRACKBACK_DIGEST"));
        Path place = Path.of(variables.get("TRACKBACK_PATH"));
        assertArrayEquals(WEIGHTS, Files.readAllBytes(place.resolve("data/ä weights?.bin")));
        assertEquals("flavors: {}", Files.readString(place.resolve("MLmodel")));
    }

    @Test
    void whoMayNotWriteCanNotPublish() throws IOException {
        Files.createDirectories(directory.resolve("out"));
        Files.writeString(directory.resolve("out/MLmodel"), "flavors: {}");
        assertTrue(publish(trackback.reader, trackback.newName("churn"), "4").error().contains("does not allow this (403)"));
    }

    @Test
    void aStageOfAPromotionsPipelineBecomesABuildOfThePromotion() {
        String model = trackback.newName("churn");
        trackback.newVersion(model, Map.of("MLmodel", "one".getBytes()));
        long number = trackback.promote(model, "1", "staging", "first");
        CalledExtension notification = CalledExtension.with(
                FakeGocd.withSettings(trackback.url, trackback.writer), new NotificationExtension());
        String body = NotificationTest.STAGE_STATUS.formatted(trackback.url + "/").replace("12-v7", number + "-v1")
                .replace("\"PROMOTION\": \"12\"", "\"PROMOTION\": \"" + number + "\"");
        assertEquals("success", notification.ask("stage-status", body).object().get("status"));
        List<?> builds = (List<?>) trackback.get("/api/v1/builds?promotion=" + number).get("builds");
        assertEquals(1, builds.size());
        String build = builds.get(0).toString();
        assertTrue(build.contains("churn-deploy") && build.contains("validate") && build.contains("passed"), build);
        assertTrue(build.contains("http://gocd.example.com:8153/go/pipelines/churn-deploy/5/validate/1"), build);

        // A pipeline further down knows only the stage that it comes from.
        String after = NotificationTest.STAGE_STATUS_DOWNSTREAM.formatted("https://git/x");
        assertEquals("success", notification.ask("stage-status", after).object().get("status"));
        builds = (List<?>) trackback.get("/api/v1/builds?promotion=" + number).get("builds");
        assertEquals(2, builds.size());
        assertTrue(builds.get(0).toString().contains("churn-release"), builds.toString());
    }

    @Test
    void whoMayNotReportIsToldSo() {
        String model = trackback.newName("churn");
        trackback.newVersion(model, Map.of("MLmodel", "one".getBytes()));
        long number = trackback.promote(model, "1", "staging", "first");
        CalledExtension notification = CalledExtension.with(
                FakeGocd.withSettings(trackback.url, trackback.reader), new NotificationExtension());
        String body = NotificationTest.STAGE_STATUS.formatted(trackback.url).replace("12-v7", number + "-v1");
        assertTrue(notification.ask("stage-status", body).failure().contains("does not allow this (403)"));
    }
}
