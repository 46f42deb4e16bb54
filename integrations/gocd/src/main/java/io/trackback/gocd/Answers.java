package io.trackback.gocd;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The answers whose shape GoCD prescribes. */
final class Answers {
    /** No change, for a poll; nothing wrong, for a task's configuration. */
    static final String NONE = "{}";

    /** Nothing is wrong with a configuration. */
    static final String VALID = "[]";

    private Answers() {
    }

    /** Of a connection check or a notification. */
    static String failed(String message) {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("status", "failure");
        answer.put("messages", List.of(message));
        return JsonWriter.write(answer);
    }

    static String succeeded() {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("status", "success");
        answer.put("messages", List.of());
        return JsonWriter.write(answer);
    }

    static String invalid(InvalidSetting wrong) {
        return JsonWriter.write(List.of(Map.of("key", wrong.key(), "message", wrong.getMessage())));
    }
}
