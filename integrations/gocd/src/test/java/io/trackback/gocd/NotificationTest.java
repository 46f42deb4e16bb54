package io.trackback.gocd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of the results of stages that GoCD tells the plugin of. */
class NotificationTest {
    private static final String OK = "{\"status\":\"success\",\"messages\":[]}";

    /** As GoCD 26.2 writes it; %s is the address of the package's repository. */
    static final String STAGE_STATUS = """
        {"pipeline": {
          "name": "churn-deploy", "counter": "5", "label": "5", "group": "models",
          "build-cause": [
            {"material": {"type": "package", "plugin-id": "trackback", "fingerprint": "f1",
               "repository-configuration": {"TRACKBACK_URL": "%s", "TOKEN": "tb_hunter2"},
               "package-configuration": {"MODEL": "churn", "ENVIRONMENT": "staging"}},
             "changed": true,
             "modifications": [{"revision": "12-v7", "modified-time": "2026-11-27T12:00:00.000+0000",
               "data": {"PROMOTION": "12"}}]},
            {"material": {"type": "git", "fingerprint": "f2",
               "git-configuration": {"url": "https://git/x", "branch": "main", "password": "hunter3", "shallow-clone": false}},
             "changed": false,
             "modifications": [{"revision": "a1b2", "modified-time": "2026-11-27T11:00:00.000+0000", "data": {}}]},
            {"material": {"type": "package", "plugin-id": "nexus", "fingerprint": "f3",
               "repository-configuration": {"URL": "https://nexus", "API_SECRET": "hunter4", "USER": "********"},
               "package-configuration": {"NAME": "lib"}},
             "changed": false, "modifications": []}],
          "stage": {"name": "validate", "counter": "1", "approval-type": "success", "approved-by": "changes",
            "previous-stage-counter": 0, "state": "Passed", "result": "Passed",
            "create-time": "2026-11-27T12:00:01.000+0000", "last-transition-time": "2026-11-27T12:05:00.000+0000",
            "jobs": [{"name": "job", "state": "Completed", "result": "Passed"}]}}}
        """;

    /** As GoCD writes it of a pipeline that comes after the one above; %s is the address of another material of it. */
    static final String STAGE_STATUS_DOWNSTREAM = """
        {"pipeline": {
          "name": "churn-release", "counter": "2", "label": "2", "group": "models",
          "build-cause": [
            {"material": {"type": "pipeline", "fingerprint": "f4",
               "pipeline-configuration": {"pipeline-name": "churn-deploy", "stage-name": "validate"}},
             "changed": true,
             "modifications": [{"revision": "churn-deploy/5/validate/1", "modified-time": "2026-11-27T12:05:00.000+0000",
               "data": {}}]},
            {"material": {"type": "git", "fingerprint": "f5",
               "git-configuration": {"url": "%s", "branch": "main", "shallow-clone": false}},
             "changed": false,
             "modifications": [{"revision": "c3d4", "modified-time": "2026-11-27T11:00:00.000+0000", "data": {}}]}],
          "stage": {"name": "release", "counter": "1", "approval-type": "success", "approved-by": "changes",
            "previous-stage-counter": 0, "state": "Passed", "result": "Passed",
            "create-time": "2026-11-27T12:06:01.000+0000", "last-transition-time": "2026-11-27T12:07:00.000+0000",
            "jobs": [{"name": "job", "state": "Completed", "result": "Passed"}]}}}
        """;

    private static Reply tell(FakeGocd gocd, String repository) {
        return CalledExtension.notification(gocd).ask("stage-status", STAGE_STATUS.formatted(repository));
    }

    /** What is logged meanwhile: without GoCD, the plugin API prints it. */
    private static String printed(PrintStream usual, Consumer<PrintStream> set, Runnable action) {
        ByteArrayOutputStream log = new ByteArrayOutputStream();
        set.accept(new PrintStream(log, true));
        try {
            action.run();
        } finally {
            set.accept(usual);
        }
        return log.toString();
    }

    @Test
    void aStageOfAPromotionsPipelineIsReportedToTheServerOfTheSettings() throws Exception {
        try (StandIn server = StandIn.answering(200, OK)) {
            assertEquals(new Reply(200, OK), tell(FakeGocd.withSettings(server.url(), "tb_writer"), server.url() + "/"));
            StandIn.Seen seen = server.seen.get(0);
            assertEquals("/gocd/v1/notification/stage-status", seen.path());
            assertEquals("Bearer tb_writer", seen.headers().get("Authorization"));
            JsonObject sent = JsonObject.read(seen.body());
            assertEquals("churn-deploy", sent.object("pipeline").string("name"));
            assertEquals("Passed", sent.object("pipeline").object("stage").string("result"));
            assertEquals("http://gocd.example.com:8153/go", sent.string("server_url"));
            JsonObject promotion = sent.object("pipeline").objects("build-cause").get(0);
            assertEquals("12-v7", promotion.objects("modifications").get(0).string("revision"));
        }
    }

    @Test
    void whatIsSecretInAnyMaterialStaysInGocd() throws Exception {
        try (StandIn server = StandIn.answering(200, OK)) {
            tell(FakeGocd.withSettings(server.url(), "tb_writer"), server.url());
            String sent = server.seen.get(0).body();
            assertFalse(sent.contains("hunter"), sent);
            assertFalse(sent.contains("***"), sent);
            List<JsonObject> causes = JsonObject.read(sent).object("pipeline").objects("build-cause");
            assertEquals(3, causes.size());
            Map<String, Object> git = causes.get(1).object("material").object("git-configuration").members();
            assertEquals(Map.of("url", "https://git/x", "branch", "main", "shallow-clone", false), git);
        }
    }

    @Test
    void aPipelineWithoutAPromotionOfThisServerIsNoneOfItsBusiness() throws IOException {
        try (StandIn server = StandIn.answering(200, OK)) {
            String log = printed(System.out, System::setOut, () -> assertEquals(
                    Answers.succeeded(), tell(FakeGocd.withSettings(server.url(), ""), "http://another:5000").body()));
            assertEquals(List.of(), server.seen);
            assertTrue(log.contains("promotions of http://another:5000 are not reported, as the plugin's settings name " + server.url()), log);
        }
    }

    @Test
    void ofAPipelineThatComesAfterAnotherTheServerIsToldThatAndNothingElse() throws Exception {
        try (StandIn server = StandIn.answering(200, OK)) {
            CalledExtension.notification(FakeGocd.withSettings(server.url(), ""))
                    .ask("stage-status", STAGE_STATUS_DOWNSTREAM.formatted("https://git/x"));
            List<JsonObject> causes = JsonObject.read(server.seen.get(0).body()).object("pipeline").objects("build-cause");
            assertEquals(1, causes.size());
            assertEquals("churn-deploy/5/validate/1", causes.get(0).objects("modifications").get(0).string("revision"));
        }
    }

    @Test
    void promotionsOfAnotherServerAreLeftOutBesideOurs() throws Exception {
        try (StandIn server = StandIn.answering(200, OK)) {
            String body = STAGE_STATUS.formatted(server.url()).replace("\"plugin-id\": \"nexus\"", "\"plugin-id\": \"trackback\"");
            CalledExtension.notification(FakeGocd.withSettings(server.url(), "")).ask("stage-status", body);
            List<JsonObject> causes = JsonObject.read(server.seen.get(0).body()).object("pipeline").objects("build-cause");
            assertEquals(List.of("f1", "f2"), List.of(
                    causes.get(0).object("material").string("fingerprint"), causes.get(1).object("material").string("fingerprint")));
            assertEquals(2, causes.size());
        }
    }

    @Test
    void withoutSettingsNothingIsReportedAndNothingIsWrong() {
        assertEquals(Answers.succeeded(), tell(new FakeGocd(), "http://m").body());
        FakeGocd empty = new FakeGocd();
        empty.settings = Map.of();
        assertEquals(Answers.succeeded(), tell(empty, "http://m").body());
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 401, 403, 404, 429, 500, 503})
    void whatIsNotDeliveredIsAFailureWithAReasonAndALineInTheLog(int status) throws IOException {
        try (StandIn server = StandIn.answering(status, "{\"error_code\":\"X\",\"message\":\"Because.\"}")) {
            String log = printed(System.err, System::setErr, () -> {
                String said = tell(FakeGocd.withSettings(server.url(), "tb_hunter2"), server.url()).failure();
                assertTrue(said.startsWith("trackback was not told of a stage's result: "), said);
                assertTrue(said.contains("Because"), said);
                assertFalse(said.contains("hunter"), said);
            });
            assertTrue(log.contains("stage-status not delivered: "), log);
            assertFalse(log.contains("hunter"), log);
        }
    }

    @Test
    void aServerThatIsGoneIsAFailureAndNoException() throws IOException {
        String gone;
        try (StandIn server = StandIn.answering(200, OK)) {
            gone = server.url();
        }
        assertTrue(tell(FakeGocd.withSettings(gone, ""), gone).failure().contains("the connection was refused"));
    }

    @Test
    void aGocdThatDoesNotTellItsSettingsIsAFailureAndNoException() {
        FakeGocd gocd = new FakeGocd();
        gocd.broken = true;
        assertTrue(tell(gocd, "http://m").failure().contains("GoCD answered 500 broken to go.processor.plugin-settings.get"));
        assertTrue(CalledExtension.notification(null).ask("stage-status", STAGE_STATUS).failure().contains("go.processor.plugin-settings.get"));
    }

    @Test
    void wrongSettingsAreAFailureThatNamesTheField() {
        assertTrue(tell(FakeGocd.withSettings("models:5000", ""), "http://m").failure().contains("TRACKBACK_URL"));
    }

    @Test
    void aBodyThatGocdWouldNotSendIsAFailureAndNoException() {
        FakeGocd gocd = FakeGocd.withSettings("http://m", "");
        for (String body : List.of("", "[]", "{}", "{\"pipeline\": {\"build-cause\": [1]}}")) {
            assertTrue(CalledExtension.notification(gocd).ask("stage-status", body).failure().contains("GoCD's stage-status is not as this plugin"));
        }
    }
}
