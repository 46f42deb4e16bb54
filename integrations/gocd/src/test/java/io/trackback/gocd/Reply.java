package io.trackback.gocd;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;

/** What an extension has answered. */
record Reply(int status, String body) {
    /** The answer as GoCD reads it, which takes status 200 only. */
    Object json() {
        assertEquals(200, status, body);
        try {
            return JsonReader.read(body);
        } catch (JsonException e) {
            throw new AssertionError(body, e);
        }
    }

    @SuppressWarnings("unchecked")
    Map<String, Object> object() {
        return (Map<String, Object>) json();
    }

    @SuppressWarnings("unchecked")
    List<Map<String, Object>> list() {
        return (List<Map<String, Object>>) json();
    }

    /** The only message of a check or notification that failed. */
    String failure() {
        assertEquals("failure", object().get("status"), body);
        List<?> messages = (List<?>) object().get("messages");
        assertEquals(1, messages.size(), body);
        return (String) messages.get(0);
    }

    /** The message of status 500, as GoCD shows it. */
    String error() {
        assertEquals(500, status, body);
        return body;
    }
}
