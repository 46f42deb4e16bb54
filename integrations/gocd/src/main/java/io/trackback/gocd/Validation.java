package io.trackback.gocd;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The fields of one configuration, looked at one after the other; what is wrong with them is gathered. */
final class Validation {
    private final JsonObject configuration;
    private final Map<String, String> wrong = new LinkedHashMap<>();

    /** configuration: {@code {KEY: "…"}} or {@code {KEY: {"value": "…"}}}. */
    Validation(JsonObject configuration) {
        this.configuration = configuration;
    }

    /** Those that must be there, by the definition of the fields: {@code {KEY: {"required": true, …}}}. */
    Validation required(JsonObject fields) throws JsonException {
        for (String key : fields.members().keySet()) {
            JsonObject field = fields.object(key);
            // What a definition does not say is required, as GoCD takes it.
            if (!Boolean.FALSE.equals(field.members().get("required"))) {
                require(key, field.string("display-name", key));
            }
        }
        return this;
    }

    private void require(String key, String name) {
        if (value(key).isEmpty()) {
            wrong.put(key, name + " is required");
        }
    }

    /** The address of the server and the token for it. */
    Validation server() {
        try {
            ServerAddress.parse(value(ServerAddress.KEY));
            Token.parse(value(Token.KEY));
        } catch (InvalidSetting e) {
            wrong.putIfAbsent(e.key(), e.getMessage());
        }
        return this;
    }

    Validation folder(String key) {
        return note(key, Destination.wrongFolder(value(key)));
    }

    /** Say what is wrong with a field; null for nothing. */
    Validation note(String key, String what) {
        if (what != null) {
            wrong.putIfAbsent(key, key + " " + what);
        }
        return this;
    }

    String value(String key) {
        String value = ServerSettings.value(configuration.members().get(key));
        return value == null ? "" : value.strip();
    }

    /** As GoCD wants it: {@code [{"key", "message"}]}. */
    String answer() {
        List<Map<String, String>> errors = new ArrayList<>();
        wrong.forEach((key, message) -> {
            Map<String, String> error = new LinkedHashMap<>();
            error.put("key", key);
            error.put("message", message);
            errors.add(error);
        });
        return JsonWriter.write(errors);
    }
}
