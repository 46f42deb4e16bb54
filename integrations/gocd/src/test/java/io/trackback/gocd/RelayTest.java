package io.trackback.gocd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How GoCD's questions get to a server, and what GoCD is told of its answers. */
class RelayTest {
    private static final String TOKEN = "tb_hunter2";
    private static final String REVISION = "{\"revision\":\"12-v7\",\"timestamp\":\"2026-11-27T12:00:00.000Z\",\"data\":{\"A\":\"ü\"}}";

    private final CalledExtension repository = CalledExtension.packageRepository();

    /** As GoCD writes it. */
    private static String body(String url, String token) {
        return """
            {"repository-configuration":{"TRACKBACK_URL":{"value":"%s"},"TOKEN":{"value":"%s"}},\
            "package-configuration":{"MODEL":{"value":"churn"},"ENVIRONMENT":{"value":"staging"}},\
            "previous-revision":{"revision":"11-v6","timestamp":"2026-11-26T12:00:00.000Z","data":{"PROMOTION":"11"}}}"""
            .formatted(url, token);
    }

    private static String error(String code, String message) {
        return JsonWriter.write(Map.of("error_code", code, "message", message));
    }

    @ParameterizedTest
    @CsvSource({
        "validate-repository-configuration, []",
        "validate-package-configuration, '[{\"key\":\"MODEL\",\"message\":\"gibt es nicht: ü\"}]'",
        "check-repository-connection, '{\"status\":\"success\",\"messages\":[\"hello\"]}'",
        "check-package-connection, '{ \"status\" : \"failure\", \"messages\":[] }'",
        "latest-revision, '" + REVISION + "'",
        "latest-revision-since, '" + REVISION + "'",
        "latest-revision-since, {}"})
    void gocdGetsTheServersAnswerToTheLetter(String request, String answer) throws IOException {
        try (StandIn server = StandIn.answering(200, answer)) {
            assertEquals(new Reply(200, answer), repository.ask(request, body(server.url(), TOKEN)));
            assertEquals("/gocd/v1/package-repository/" + request, server.seen.get(0).path());
        }
    }

    @Test
    void theServerGetsGocdsBodyWithoutTheTokenWhichIsInAHeader() throws Exception {
        try (StandIn server = StandIn.answering(200, "{}")) {
            repository.ask("latest-revision-since", body(server.url(), TOKEN));
            StandIn.Seen seen = server.seen.get(0);
            assertEquals("POST", seen.method());
            assertEquals("Bearer " + TOKEN, seen.headers().get("Authorization"));
            assertEquals("application/json", seen.headers().get("Content-Type"));
            assertEquals(PluginVersion.TEXT, seen.headers().get("X-Trackback-Plugin"));
            JsonObject sent = JsonObject.read(seen.body());
            JsonObject gocds = JsonObject.read(body(server.url(), TOKEN));
            gocds.object("repository-configuration").members().remove("TOKEN");
            assertEquals(gocds.members(), sent.members());
            assertFalse((seen.path() + seen.body()).contains("hunter2"));
        }
    }

    @Test
    void withoutATokenThereIsNoSuchHeader() throws IOException {
        try (StandIn server = StandIn.answering(200, "{}")) {
            repository.ask("latest-revision-since", body(server.url(), ""));
            assertNull(server.seen.get(0).headers().get("Authorization"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/", "/models", "/models/", "/a/b//"})
    void theServerMayBeBehindAPath(String prefix) throws IOException {
        try (StandIn server = StandIn.answering(200, "{}")) {
            repository.ask("latest-revision-since", body(server.url() + prefix, TOKEN));
            String path = prefix.replaceAll("/+$", "") + "/gocd/v1/package-repository/latest-revision-since";
            assertEquals(path, server.seen.get(0).path());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "null", " { } "})
    void nothingNewIsAnEmptyAnswer(String answer) throws IOException {
        try (StandIn server = StandIn.answering(200, answer)) {
            assertEquals(new Reply(200, "{}"), repository.ask("latest-revision-since", body(server.url(), TOKEN)));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "null"})
    void thatNothingWasEverPromotedIsAnErrorThatSaysSo(String answer) throws IOException {
        try (StandIn server = StandIn.answering(200, answer)) {
            assertTrue(repository.ask("latest-revision", body(server.url(), TOKEN)).error().startsWith("nothing has been promoted yet"));
        }
    }

    /** GoCD would take a missing revision for one named null, and trigger. */
    @ParameterizedTest
    @ValueSource(strings = {"{\"user\":\"x\"}", "{\"revision\":null}", "{\"revision\":7}", "[]", "[{}]", "\"12\"", "true"})
    void whatIsNoRevisionIsAnError(String answer) throws IOException {
        try (StandIn server = StandIn.answering(200, answer)) {
            for (String request : List.of("latest-revision", "latest-revision-since")) {
                String message = repository.ask(request, body(server.url(), TOKEN)).error();
                assertEquals("the server answered to " + request + " what is no revision: " + answer, message);
            }
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "400 | INVALID_PARAMETER_VALUE | No rule promotes by the tag 'x'. | No rule promotes by the tag 'x'.",
        "404 | RESOURCE_DOES_NOT_EXIST | There is no model churn. | There is no model churn.",
        "404 | ENDPOINT_NOT_FOUND | No such path. | has no /gocd/v1/package-repository/check-package-connection (404): No such path.",
        "404 | ENDPOINT_NOT_FOUND | No such path. | Is it a trackback server, of this plugin's version or newer",
        "401 | UNAUTHENTICATED | Wrong token. | does not accept the token (401): Wrong token. It may have expired or been revoked",
        "403 | PERMISSION_DENIED | Not yours. | does not allow this (403): Not yours.",
        "429 | REQUEST_LIMIT_EXCEEDED | Too much. | can't answer now (429): Too much",
        "500 | INTERNAL_ERROR | Oops. | failed (500): Oops",
        "503 | TEMPORARILY_UNAVAILABLE | Migrating. | can't answer now (503): Migrating"})
    void eachRefusalIsToldInTheServersWords(int status, String code, String said, String expected) throws IOException {
        try (StandIn server = StandIn.answering(status, error(code, said))) {
            String body = body(server.url(), TOKEN);
            String checked = repository.ask("check-package-connection", body).failure();
            assertTrue(checked.contains(expected), checked);
            String polled = repository.ask("latest-revision-since", body).error();
            assertTrue(polled.contains(said.substring(0, said.length() - 1)), polled);
            assertFalse((checked + polled).contains("hunter2"));
            assertEquals(new Reply(200, "[]"), repository.ask("validate-package-configuration", body));
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "404 | <h1>Not Found</h1> | has no /gocd/v1/package-repository/check-repository-connection (404). Is it a trackback server",
        "404 | {\"detail\": \"Not Found\"} | has no /gocd/v1/package-repository/check-repository-connection (404). Is it a trackback server",
        "403 | <html>No</html> | does not allow this (403); it begins: <html>No</html>. Does a proxy stand before it?",
        "502 | <html> <h1>Bad  Gateway</h1> | failed (502); it begins: <html> <h1>Bad Gateway</h1>",
        "418 | I am a teapot | answered 418 to /gocd/v1/package-repository/check-repository-connection; it begins: I am a teapot",
        "204 | '' | answered 204 to",
        "201 | {} | answered 201 to",
        "200 | <html>Sign in</html> | what a trackback server would not (no JSON: at character 1, a value was expected, not '<'; it begins: <html>Sign in</html>)",
        "200 | '' | at character 1, a value was expected, not the end",
        "200 | {\"status\": \"succ | the string's closing quote was expected, not the end"})
    void anAnswerThatIsNotOurServersSaysWhatItLooksLike(int status, String answer, String expected) throws IOException {
        try (StandIn server = StandIn.answering(status, answer)) {
            String checked = repository.ask("check-repository-connection", body(server.url(), TOKEN)).failure();
            assertTrue(checked.startsWith(server.url()), checked);
            assertTrue(checked.contains(expected), checked);
        }
    }

    @Test
    void aServerThatWantsATokenIsNotBlamedOnOneThatIsNotThere() throws IOException {
        try (StandIn server = StandIn.answering(401, error("UNAUTHENTICATED", "Who?"))) {
            String checked = repository.ask("check-repository-connection", body(server.url(), "")).failure();
            assertTrue(checked.endsWith("wants a token (401), and TOKEN is empty: make one there and put it into TOKEN"), checked);
        }
    }

    @Test
    void aServerThatSendsItsCallersElsewhereIsNotFollowedWithTheToken() throws IOException {
        try (StandIn elsewhere = StandIn.answering(200, "{\"status\":\"success\",\"messages\":[]}");
                StandIn server = new StandIn(exchange -> {
                    exchange.getResponseHeaders().set("Location", elsewhere.url() + "/x");
                    StandIn.answer(exchange, 301, "");
                })) {
            String checked = repository.ask("check-repository-connection", body(server.url(), TOKEN)).failure();
            assertTrue(checked.contains("sends its callers elsewhere (301), to " + elsewhere.url() + "/x: put the address"), checked);
            assertEquals(List.of(), elsewhere.seen);
        }
    }

    @Test
    void aWrongAddressIsAFaultOfItsField() {
        for (String request : List.of("validate-repository-configuration", "validate-package-configuration")) {
            List<Map<String, Object>> errors = repository.ask(request, body("models:5000", TOKEN)).list();
            assertEquals("TRACKBACK_URL", errors.get(0).get("key"));
        }
        assertEquals("TOKEN", repository.ask("validate-repository-configuration", body("http://m", "a\u00e9")).list().get(0).get("key"));
        assertTrue(repository.ask("check-repository-connection", "{}").failure().startsWith("TRACKBACK_URL is empty"));
        assertTrue(repository.ask("latest-revision", body("ftp://x", TOKEN)).error().contains("ftp://x"));
    }

    @Test
    void whatIsNotAskedAsGocdAsksIsAnError() {
        assertTrue(repository.ask("latest-revision", "{").error().startsWith("GoCD's request latest-revision is not as this plugin"));
    }
}
