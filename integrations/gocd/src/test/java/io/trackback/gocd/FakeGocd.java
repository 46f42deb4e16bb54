package io.trackback.gocd;

import com.thoughtworks.go.plugin.api.GoApplicationAccessor;
import com.thoughtworks.go.plugin.api.request.GoApiRequest;
import com.thoughtworks.go.plugin.api.response.DefaultGoApiResponse;
import com.thoughtworks.go.plugin.api.response.GoApiResponse;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/** GoCD's answers to what a plugin asks of it, as its request processors give them. */
final class FakeGocd extends GoApplicationAccessor {
    final List<String> console = new CopyOnWriteArrayList<>();
    Map<String, Object> settings;
    boolean broken;

    static FakeGocd withSettings(String url, String token) {
        FakeGocd gocd = new FakeGocd();
        gocd.settings = Map.of("TRACKBACK_URL", url, "TOKEN", token);
        return gocd;
    }

    @Override
    public GoApiResponse submit(GoApiRequest request) {
        if (broken || !request.apiVersion().equals("1.0")) {
            return DefaultGoApiResponse.error("broken");
        }
        switch (request.api()) {
            case "go.processor.plugin-settings.get":
                return DefaultGoApiResponse.success(settings == null ? null : JsonWriter.write(settings));
            case "go.processor.server-info.get":
                return DefaultGoApiResponse.success(
                        "{\"server_id\":\"1\",\"site_url\":\"http://gocd.example.com:8153/go\",\"secure_site_url\":\"\"}");
            case "go.processor.artifact.console-log":
                console.add(request.requestBody());
                return DefaultGoApiResponse.success(null);
            default:
                return DefaultGoApiResponse.error("no processor for " + request.api());
        }
    }
}
