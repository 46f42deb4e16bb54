package io.trackback.gocd;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The environment variables by which a job knows the model that was fetched for it. */
final class ModelVariables {
    private static final String USUAL_PREFIX = "TRACKBACK";

    private final String prefix;

    /** prefix: empty for the usual one. */
    ModelVariables(String prefix) {
        this.prefix = prefix.isEmpty() ? USUAL_PREFIX : prefix;
    }

    /** What is wrong with a prefix, or null. */
    static String wrongPrefix(String typed) {
        return typed.isEmpty() || typed.matches("[A-Za-z_][A-Za-z0-9_]*")
                ? null
                : "must be letters, digits and underscores, such as " + USUAL_PREFIX + ": " + typed;
    }

    /** As GoCD wants them: {@code {"name", "value", "secure"}} each. */
    List<Map<String, Object>> of(JsonObject published, Path folder) throws JsonException {
        List<Map<String, Object>> variables = new ArrayList<>();
        variables.add(variable("_MODEL", published.string("model")));
        variables.add(variable("_VERSION", published.string("version")));
        if (published.has("digest")) {
            variables.add(variable("_DIGEST", published.string("digest")));
        }
        if (published.has("run_id")) {
            variables.add(variable("_RUN_ID", published.string("run_id")));
        }
        variables.add(variable("_PATH", folder.toString()));
        return variables;
    }

    private Map<String, Object> variable(String suffix, String value) {
        Map<String, Object> variable = new LinkedHashMap<>();
        variable.put("name", prefix + suffix);
        variable.put("value", value);
        variable.put("secure", false);
        return variable;
    }
}
