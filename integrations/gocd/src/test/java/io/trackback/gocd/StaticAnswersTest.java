package io.trackback.gocd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.thoughtworks.go.plugin.api.exceptions.UnhandledRequestTypeException;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What GoCD asks while it loads the plugin, when no server is known: a wrong answer makes the whole plugin invalid. */
class StaticAnswersTest {
    private static void assertFields(Map<String, Object> fields) {
        assertFalse(fields.isEmpty(), "GoCD takes no fields for an error");
        fields.forEach((key, field) -> {
            Map<?, ?> options = (Map<?, ?>) field;
            for (Object option : options.keySet()) {
                Class<?> kind = Set.of("default-value", "display-name", "display-order").contains(option)
                        ? String.class
                        : Boolean.class;
                assertEquals(kind, options.get(option).getClass(), key + "." + option);
            }
            Integer.parseInt((String) options.get("display-order"));
        });
    }

    private static Map<?, ?> field(Map<String, Object> fields, String key) {
        return (Map<?, ?>) fields.get(key);
    }

    @Test
    void aRepositoryIsAServerAndATokenThatIsNoPartOfItsIdentity() {
        Map<String, Object> fields = CalledExtension.packageRepository().ask("repository-configuration").object();
        assertFields(fields);
        assertEquals(Set.of("TRACKBACK_URL", "TOKEN"), fields.keySet());
        assertEquals(true, field(fields, "TRACKBACK_URL").get("part-of-identity"));
        // A new token would be a new material, and trigger every pipeline.
        assertEquals(false, field(fields, "TOKEN").get("part-of-identity"));
        assertEquals(true, field(fields, "TOKEN").get("secure"));
        assertEquals(false, field(fields, "TOKEN").get("required"));
    }

    @Test
    void aPackageIsAnExperimentOrAModelOrPullRequests() {
        Map<String, Object> fields = CalledExtension.packageRepository().ask("package-configuration").object();
        assertFields(fields);
        assertEquals(
                Set.of("EXPERIMENT", "PROMOTION_TAG_NAME", "PROMOTION_TAG_VALUE", "MODEL", "ENVIRONMENT", "PR_ID_TAG_NAME",
                        "PR_RUNS_WITHIN_DAYS"),
                fields.keySet());
    }

    @Test
    void aTaskHasTheFieldsOfTheOldPluginAndAView() {
        Map<String, Object> fields = CalledExtension.task().ask("configuration").object();
        assertFields(fields);
        assertEquals(Set.of("Repo", "Package", "ArtifactPattern", "Destination", "DestinationFile"), fields.keySet());
        fields.forEach((key, field) -> assertTrue(((Map<?, ?>) field).get("default-value") instanceof String, key));
        Map<String, Object> view = CalledExtension.task().ask("view").object();
        assertFalse(((String) view.get("displayValue")).isBlank());
        fields.keySet().forEach(key -> assertTrue(((String) view.get("template")).contains("ng-model=\"" + key + "\""), key));
    }

    @Test
    void notificationsAreAboutStagesAndThePluginHasSettings() {
        CalledExtension notification = CalledExtension.notification(new FakeGocd());
        assertEquals(
                Map.of("notifications", List.of("stage-status")), notification.ask("notifications-interested-in").object());
        Map<String, Object> fields = notification.ask("go.plugin-settings.get-configuration").object();
        assertFields(fields);
        assertEquals(Set.of("TRACKBACK_URL", "TOKEN"), fields.keySet());
        String view = (String) notification.ask("go.plugin-settings.get-view").object().get("template");
        fields.keySet().forEach(key -> assertTrue(view.contains("ng-model=\"" + key + "\""), key));
    }

    @ParameterizedTest
    @ValueSource(strings = {"store", "publish", "fetch"})
    void eachConfigurationOfAnArtifactHasFieldsAndAViewOfThem(String subject) {
        CalledExtension artifact = CalledExtension.artifact(new FakeGocd());
        String view = (String) artifact.ask("cd.go.artifact." + subject + ".get-view").object().get("template");
        for (Map<String, Object> field : artifact.ask("cd.go.artifact." + subject + ".get-metadata").list()) {
            Map<?, ?> metadata = (Map<?, ?>) field.get("metadata");
            assertTrue(metadata.get("required") instanceof Boolean && metadata.get("secure") instanceof Boolean);
            assertTrue(view.contains("ng-model=\"" + field.get("key") + "\""), view);
        }
    }

    @Test
    void theArtifactStoreHasAnIconAndNoCapabilitiesToTell() {
        CalledExtension artifact = CalledExtension.artifact(new FakeGocd());
        assertEquals(Map.of(), artifact.ask("cd.go.artifact.get-capabilities").object());
        Map<String, Object> icon = artifact.ask("cd.go.artifact.get-icon").object();
        assertEquals("image/svg+xml", icon.get("content_type"));
        assertTrue(new String(Base64.getDecoder().decode((String) icon.get("data"))).startsWith("<svg"));
    }

    /** GoCD refuses a plugin in which more than one extension answers these. */
    @Test
    void onlyOneExtensionHasPluginSettings() {
        for (CalledExtension other : List.of(
                CalledExtension.packageRepository(), CalledExtension.task(), CalledExtension.artifact(new FakeGocd()))) {
            for (String request : List.of("go.plugin-settings.get-configuration", "go.plugin-settings.get-view")) {
                assertThrows(UnhandledRequestTypeException.class, () -> other.tryAsk(request, null));
            }
        }
    }

    @Test
    void aRequestOfALaterGocdIsNotAnswered() {
        for (CalledExtension extension : List.of(
                CalledExtension.packageRepository(), CalledExtension.task(), CalledExtension.notification(new FakeGocd()),
                CalledExtension.artifact(new FakeGocd()))) {
            assertThrows(UnhandledRequestTypeException.class, () -> extension.tryAsk("go.tea.make", "{}"));
        }
    }
}
