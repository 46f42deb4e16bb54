package io.trackback.gocd;

import com.thoughtworks.go.plugin.api.GoApplicationAccessor;
import com.thoughtworks.go.plugin.api.GoPluginIdentifier;
import com.thoughtworks.go.plugin.api.request.DefaultGoApiRequest;
import com.thoughtworks.go.plugin.api.response.GoApiResponse;
import java.util.Map;

/** GoCD as an extension may ask it: for the plugin's settings, for where it is itself, for a line in a job's console. */
final class Gocd {
    static final String PLUGIN_ID = "trackback";

    private final GoPluginIdentifier identifier;
    private GoApplicationAccessor accessor;

    Gocd(GoPluginIdentifier identifier) {
        this.identifier = identifier;
    }

    void accessor(GoApplicationAccessor given) {
        accessor = given;
    }

    /** The plugin's settings, as a person has saved them: {@code {KEY: value}}; null where nobody has. */
    JsonObject pluginSettings() throws Failure {
        String body = ask("go.processor.plugin-settings.get", JsonWriter.write(Map.of("plugin-id", PLUGIN_ID)));
        try {
            return body == null || body.isBlank() || body.strip().equals("null") ? null : JsonObject.read(body);
        } catch (JsonException e) {
            throw new Failure("GoCD answered the plugin's settings as this plugin does not know them: " + e.getMessage(), e);
        }
    }

    /** The URL that people reach this GoCD by, or null where its administrator has not set one. */
    String siteUrl() throws Failure {
        try {
            JsonObject info = JsonObject.read(ask("go.processor.server-info.get", ""));
            String url = info.string("secure_site_url", "");
            return url.isBlank() ? info.string("site_url", null) : url;
        } catch (JsonException e) {
            throw new Failure("GoCD said where it is in a way that this plugin does not know: " + e.getMessage(), e);
        }
    }

    /** Print a line in the console of the job whose artifact is being published or fetched. */
    void printForArtifact(String level, String line) throws Failure {
        ask("go.processor.artifact.console-log", JsonWriter.write(Map.of("logLevel", level, "message", line)));
    }

    private String ask(String api, String body) throws Failure {
        DefaultGoApiRequest request = new DefaultGoApiRequest(api, "1.0", identifier);
        request.setRequestBody(body);
        GoApiResponse response;
        try {
            response = accessor.submit(request);
        } catch (RuntimeException e) {
            throw new Failure("GoCD failed at " + api + ": " + e.getMessage(), e);
        }
        if (response == null || response.responseCode() != 200) {
            String why = response == null ? "nothing" : response.responseCode() + " " + response.responseBody();
            throw new Failure("GoCD answered " + why + " to " + api);
        }
        return response.responseBody();
    }
}
