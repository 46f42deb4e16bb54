package io.trackback.gocd;

import com.thoughtworks.go.plugin.api.GoPlugin;
import com.thoughtworks.go.plugin.api.exceptions.UnhandledRequestTypeException;
import com.thoughtworks.go.plugin.api.request.DefaultGoPluginApiRequest;
import com.thoughtworks.go.plugin.api.response.GoPluginApiResponse;
import java.time.Duration;

/** An extension as GoCD calls it. */
final class Extension {
    /** For tests: a server that does not answer is given up soon. */
    static final Patience SHORT = new Patience(
            Duration.ofMillis(500), Duration.ofMillis(600), Duration.ofMillis(400), 3, Duration.ofMillis(10));

    private final GoPlugin plugin;

    Extension(GoPlugin plugin) {
        this.plugin = plugin;
    }

    static Extension packageRepository() {
        return new Extension(new PackageRepositoryExtension(SHORT));
    }

    static Extension task() {
        return new Extension(new TaskExtension(SHORT));
    }

    static Extension notification(FakeGocd gocd) {
        return with(gocd, new NotificationExtension(SHORT));
    }

    static Extension artifact(FakeGocd gocd) {
        return with(gocd, new ArtifactExtension(SHORT));
    }

    static Extension with(FakeGocd gocd, GoPlugin plugin) {
        plugin.initializeGoApplicationAccessor(gocd);
        return new Extension(plugin);
    }

    /** GoCD's request of that name without a body. */
    Reply ask(String request) {
        return ask(request, null);
    }

    Reply ask(String request, String body) {
        try {
            return tryAsk(request, body);
        } catch (UnhandledRequestTypeException e) {
            throw new AssertionError(request, e);
        }
    }

    Reply tryAsk(String request, String body) throws UnhandledRequestTypeException {
        String version = plugin.pluginIdentifier().getSupportedExtensionVersions().get(0);
        DefaultGoPluginApiRequest sent =
                new DefaultGoPluginApiRequest(plugin.pluginIdentifier().getExtension(), version, request);
        sent.setRequestBody(body);
        GoPluginApiResponse answer = plugin.handle(sent);
        return new Reply(answer.responseCode(), answer.responseBody());
    }
}
