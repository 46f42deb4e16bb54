package io.trackback.gocd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Configurations that are looked at without a server, as none is named in them. */
class ValidationTest {
    private final CalledExtension artifact = CalledExtension.artifact(new FakeGocd());

    private static Map<?, ?> taskErrors(String config) {
        Map<String, Object> answer = CalledExtension.task().ask("validate", config).object();
        return answer.isEmpty() ? answer : (Map<?, ?>) answer.get("errors");
    }

    private static List<Object> keys(Reply reply) {
        return reply.list().stream().map(error -> error.get("key")).toList();
    }

    @Test
    void aTaskAsGocdSendsItIsValid() {
        assertEquals(Map.of(), taskErrors("""
            {"Repo": {"value": "models", "secure": false, "required": true},
             "Package": {"value": "churn", "secure": false, "required": true},
             "ArtifactPattern": {"secure": false, "required": false},
             "Destination": {"value": "model/now", "secure": false, "required": false},
             "DestinationFile": {"value": "", "secure": false, "required": false}}
            """));
    }

    @Test
    void aTaskNeedsARepository() {
        assertEquals(Set.of("Repo"), taskErrors("{\"Repo\": {\"value\": \" \"}}").keySet());
    }

    @ParameterizedTest
    @CsvSource({
        "Destination, /tmp", "Destination, ../up", "Destination, a/../../up", "Destination, C:\\x", "Destination, a\\b",
        "DestinationFile, /tmp/x", "DestinationFile, ../x", "DestinationFile, x/"})
    void aTaskWritesOnlyBelowTheJobsDirectory(String field, String value) {
        Map<?, ?> errors = taskErrors(JsonWriter.write(Map.of("Repo", Map.of("value", "r"), field, Map.of("value", value))));
        assertEquals(Set.of(field), errors.keySet());
        assertTrue(((String) errors.get(field)).endsWith(": " + value), errors.toString());
    }

    @Test
    void anArtifactStoreNeedsAServersAddress() {
        String validate = "cd.go.artifact.store.validate";
        assertEquals(List.of(), artifact.ask(validate, "{\"TRACKBACK_URL\": \"https://m\", \"TOKEN\": null}").list());
        assertEquals(List.of("TRACKBACK_URL"), keys(artifact.ask(validate, "{}")));
        assertEquals(List.of("TRACKBACK_URL"), keys(artifact.ask(validate, "{\"TRACKBACK_URL\": \"m:5000\"}")));
        assertEquals(
                List.of("TOKEN"), keys(artifact.ask(validate, "{\"TRACKBACK_URL\": \"http://m\", \"TOKEN\": \"a b\"}")));
    }

    @Test
    void anArtifactNeedsFilesAndAModel() {
        String validate = "cd.go.artifact.publish.validate";
        assertEquals(List.of(), artifact.ask(validate, "{\"Source\": \"model/**\", \"Model\": \"churn\"}").list());
        assertEquals(List.of("Source", "Model"), keys(artifact.ask(validate, "{\"Source\": \"\"}")));
        assertEquals(List.of("Source"), keys(artifact.ask(validate, "{\"Source\": \"../x\", \"Model\": \"churn\"}")));
    }

    @Test
    void whatIsFetchedHasAFolderAndAPrefix() {
        String validate = "cd.go.artifact.fetch.validate";
        assertEquals(List.of(), artifact.ask(validate, "{}").list());
        assertEquals(
                List.of("Destination", "Prefix"),
                keys(artifact.ask(validate, "{\"Destination\": \"/x\", \"Prefix\": \"1-x\"}")));
    }

    @Test
    void pluginSettingsNeedAServersAddress() {
        CalledExtension notification = CalledExtension.notification(new FakeGocd());
        String validate = "go.plugin-settings.validate-configuration";
        assertEquals(List.of(), notification.ask(validate, """
            {"plugin-settings": {"TRACKBACK_URL": {"value": "https://m/"}, "TOKEN": {"value": ""}}}
            """).list());
        assertEquals(List.of("TRACKBACK_URL"), keys(notification.ask(validate, "{\"plugin-settings\": {}}")));
    }

    @Test
    void aBodyThatGocdWouldNotSendIsSaidToBeThat() {
        assertTrue(artifact.ask("cd.go.artifact.store.validate", "nonsense").error()
                .startsWith("GoCD's request cd.go.artifact.store.validate is not as this plugin (0."));
        assertTrue(artifact.ask("cd.go.artifact.store.validate", null).error().contains("at character 1"));
    }
}
