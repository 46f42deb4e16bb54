package io.trackback.gocd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** GoCD's requests about a package material, each answered by trackback's own server. */
class MaterialStoryTest {
    private static final Map<String, byte[]> FILES = Map.of("MLmodel", "flavors: {}".getBytes());

    private final TrackbackProgram trackback = TrackbackProgram.running();
    private final CalledExtension repository = new CalledExtension(new PackageRepositoryExtension());
    private String token = trackback.reader;
    private String model;
    private Map<String, Object> fields;

    @BeforeEach
    void registerModel() {
        model = trackback.newName("churn");
        trackback.newVersion(model, FILES);
        fields = new LinkedHashMap<>(Map.of("MODEL", model, "ENVIRONMENT", "staging"));
    }

    private static Map<String, Object> configuration(Map<String, Object> values) {
        Map<String, Object> configuration = new LinkedHashMap<>();
        values.forEach((key, value) -> configuration.put(key, Map.of("value", value)));
        return configuration;
    }

    private Map<String, Object> body() {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("repository-configuration", configuration(Map.of("TRACKBACK_URL", trackback.url + "/", "TOKEN", token)));
        body.put("package-configuration", configuration(fields));
        return body;
    }

    private Reply ask(String request) {
        return repository.ask(request, JsonWriter.write(body()));
    }

    private Map<String, Object> latest() {
        return ask("latest-revision").object();
    }

    /** The next poll, after GoCD has stored that revision: it sends back what it knows of it. */
    private Map<String, Object> since(Map<String, Object> known) {
        Map<String, Object> body = body();
        body.put("previous-revision", Map.of(
                "revision", known.get("revision"), "timestamp", "2026-11-27T12:00:00.000Z", "data", known.get("data")));
        return repository.ask("latest-revision-since", JsonWriter.write(body)).object();
    }

    private static Object data(Map<String, Object> revision, String key) {
        return ((Map<?, ?>) revision.get("data")).get(key);
    }

    @Test
    void aRightConfigurationIsValidAndItsConnectionsWork() {
        assertEquals(List.of(), ask("validate-repository-configuration").list());
        assertEquals(List.of(), ask("validate-package-configuration").list());
        assertEquals("success", ask("check-repository-connection").object().get("status"));
        assertEquals("success", ask("check-package-connection").object().get("status"));
    }

    @Test
    void aConfigurationOfTheOldPluginIsToldWhatItsFieldsAreCalledNow() {
        fields = Map.of("EXPERIMENT_ID", "0");
        List<Map<String, Object>> errors = ask("validate-package-configuration").list();
        assertTrue(errors.stream().anyMatch(error -> error.get("key").equals("EXPERIMENT_ID")), errors.toString());
    }

    @Test
    void aModelThatIsNotThereFailsTheCheckByItsName() {
        fields.put("MODEL", "no-such-model");
        assertTrue(ask("check-package-connection").failure().contains("no-such-model"));
        assertTrue(ask("latest-revision").error().contains("no-such-model"));
    }

    @Test
    void nothingPromotedYetIsAnErrorThatSaysSoAndNoFaultOfTheConnection() {
        assertTrue(ask("latest-revision").error().startsWith("Nothing of the model " + model + " has been promoted to staging yet."));
        assertEquals("success", ask("check-package-connection").object().get("status"));
        assertEquals(Map.of(), since(Map.of("revision", "1-v1", "data", Map.of())));
    }

    @Test
    void aPromotionIsARevisionWithItsReasonAndWhatABuildNeeds() {
        long number = trackback.promote(model, "1", "staging", "better than ever");
        Map<String, Object> revision = latest();
        assertEquals(number + "-v1", revision.get("revision"));
        assertEquals("root", revision.get("user"));
        assertTrue(((String) revision.get("timestamp")).matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z"), revision.toString());
        assertTrue(((String) revision.get("revisionComment")).contains("better than ever"), revision.toString());
        assertEquals(trackback.url + "/promotions/" + number, revision.get("trackbackUrl"));
        assertEquals(String.valueOf(number), data(revision, "PROMOTION"));
        assertEquals(model, data(revision, "MODEL"));
        assertEquals("1", data(revision, "VERSION"));
        assertEquals("staging", data(revision, "ENVIRONMENT"));
        ((Map<?, ?>) revision.get("data")).forEach((key, value) -> {
            assertTrue(((String) key).matches("[A-Za-z0-9_]+"), revision.toString());
            assertTrue(value instanceof String, revision.toString());
        });
    }

    @Test
    void betweenPromotionsNothingIsNew() {
        trackback.promote(model, "1", "staging", "first");
        assertEquals(Map.of(), since(latest()));
    }

    @Test
    void ofTwoPromotionsBetweenPollsTheNewerIsTheRevisionAndTheOtherIsInItsComment() {
        trackback.promote(model, "1", "staging", "first");
        Map<String, Object> first = latest();
        trackback.newVersion(model, FILES);
        trackback.newVersion(model, Map.of("MLmodel", "flavors: {a: 1}".getBytes()));
        long passedOver = trackback.promote(model, "2", "staging", "second");
        long newest = trackback.promote(model, "3", "staging", "third");
        Map<String, Object> revision = since(first);
        assertEquals(newest + "-v3", revision.get("revision"));
        String comment = (String) revision.get("revisionComment");
        assertTrue(comment.contains("third") && comment.contains(String.valueOf(passedOver)), comment);
        assertEquals(Map.of(), since(revision));
    }

    @Test
    void aRollbackIsANewRevisionOfTheOldVersion() {
        trackback.promote(model, "1", "staging", "first");
        Map<String, Object> first = latest();
        trackback.newVersion(model, Map.of("MLmodel", "flavors: {b: 1}".getBytes()));
        trackback.promote(model, "2", "staging", "second");
        Map<String, Object> second = since(first);
        long back = trackback.rollBack(model, "staging");
        Map<String, Object> third = since(second);
        assertEquals(back + "-v1", third.get("revision"));
        assertNotEquals(first.get("revision"), third.get("revision"));
        assertEquals("1", data(third, "VERSION"));
    }

    @Test
    void aTagOnARunOfAnExperimentIsARevisionToo() {
        fields = Map.of("EXPERIMENT", "Default", "PROMOTION_TAG_NAME", "promote", "PROMOTION_TAG_VALUE", "true");
        String runId = trackback.newRun(Map.of("promote", "true"), FILES);
        Map<String, Object> revision = latest();
        assertEquals(runId, data(revision, "RUN_ID"));
        assertTrue(((String) revision.get("revision")).endsWith("-" + runId.substring(0, 8)), revision.toString());
    }

    @Test
    void ofFiveThousandPromotedRunsTheOldestIsARevisionOnceItIsPromotedAgain() {
        fields = Map.of("EXPERIMENT", "Default", "PROMOTION_TAG_NAME", "promote", "PROMOTION_TAG_VALUE", "true");
        Map<String, Object> before = latest();
        String oldest = TrackbackProgram.oldestPromotedRun();
        trackback.untag(oldest, "promote");
        assertEquals(Map.of(), since(before));
        trackback.tag(oldest, "promote", "true");
        Map<String, Object> revision = since(before);
        assertEquals(oldest, data(revision, "RUN_ID"));
        assertEquals(Map.of(), since(revision));
    }

    @Test
    void aRemovedTagIsNoRevisionAndBringsNothingBack() {
        fields = Map.of("EXPERIMENT", "Default", "PROMOTION_TAG_NAME", "promote", "PROMOTION_TAG_VALUE", "true");
        String runId = trackback.newRun(Map.of("promote", "true"), FILES);
        Map<String, Object> revision = latest();
        trackback.untag(runId, "promote");
        assertEquals(Map.of(), since(revision));
        assertTrue(ask("latest-revision").error().startsWith("Nothing of the experiment Default is in staging: promotion "));
        trackback.tag(runId, "promote", "true");
        Map<String, Object> again = since(revision);
        assertEquals(runId, data(again, "RUN_ID"));
        assertNotEquals(revision.get("revision"), again.get("revision"));
    }

    @Test
    void runsOfPullRequestsAreAPackageOfTheirOwn() {
        String tag = trackback.newName("pr");
        fields = Map.of("EXPERIMENT", "0", "PR_ID_TAG_NAME", tag);
        assertTrue(ask("latest-revision").error().contains(tag));
        String first = trackback.newRun(Map.of(tag, "17"), FILES);
        Map<String, Object> revision = latest();
        assertEquals(first, data(revision, "RUN_ID"));
        assertEquals(Map.of(), since(revision));
        String second = trackback.newRun(Map.of(tag, "18"), FILES);
        Map<String, Object> next = since(revision);
        assertEquals(second, data(next, "RUN_ID"));
        assertEquals(first, data(next, "PR_ID_RUN_ID_17"));
    }

    @Test
    void whoMayNotReadIsToldThatTheTokenIsWrongOrExpiredOrMissing() throws IOException {
        trackback.promote(model, "1", "staging", "first");
        token = trackback.expiredToken();
        assertTrue(ask("check-repository-connection").failure().contains("does not accept the token (401)"));
        assertTrue(ask("latest-revision").error().contains("It may have expired or been revoked"));
        assertEquals(List.of(), ask("validate-package-configuration").list());
        token = "";
        assertTrue(ask("check-package-connection").failure().contains("wants a token (401), and TOKEN is empty"));
        token = trackback.newToken();
        String nobody = ask("check-package-connection").failure();
        assertTrue(nobody.contains("403") || nobody.contains(model), nobody);
    }
}
